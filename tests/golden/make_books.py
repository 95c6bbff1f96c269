"""Write what PyTorch prints beside each program of books/: `python -m tests.golden.make_books`, made with 2.13.0."""

import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Run each in a process of its own."""
    for program in sorted((Path(__file__).parent / "books").glob("*.py")):
        done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True)
        program.with_suffix(".txt").write_text(done.stdout)


if __name__ == "__main__":
    main()

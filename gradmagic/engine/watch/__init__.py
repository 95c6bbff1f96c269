"""Who watches the tape: the recorder behind a report, and the guards that stop it."""

"""What PyTorch prints and computes for the expressions in expressions.py, kept in torch.json by make.py."""

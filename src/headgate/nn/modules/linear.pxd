# linear.py is compiled as it stands.

# categorical.py is compiled as it stands.

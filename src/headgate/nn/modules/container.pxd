# container.py is compiled as it stands.

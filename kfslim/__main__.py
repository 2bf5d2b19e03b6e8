"""`python -m kfslim`."""

from kfslim.cli.main import main

if __name__ == "__main__":
    main()

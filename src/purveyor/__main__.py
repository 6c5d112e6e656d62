"""`python -m purveyor` is `purveyor`."""

from purveyor.cli.main import main

if __name__ == "__main__":
    main()

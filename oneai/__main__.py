"""`python -m oneai`: the same as the `oneai` command."""

from oneai.cli import main

if __name__ == "__main__":
    main()

"""The command line. One file is one command or group; `app.py` lists them, `frame.py` is what each runs in."""


def main() -> None:
    """The console script `oneai`."""
    import sys

    from oneai.cli import entry

    sys.exit(entry.run(sys.argv[1:]))

"""The command tree."""

import pytest

from oneai.cli import app


@pytest.mark.parametrize("place", [*app.GROUPS.values(), *app.COMMANDS.values()], ids=lambda place: place.module)
def test_everything_that_is_listed_is_there_and_has_a_line_of_help(place: app.Place) -> None:
    assert callable(place.load())
    assert place.help


def test_every_command_of_every_group_takes_json() -> None:
    from typer.main import get_command

    tree = get_command(app.build([]))
    groups = [tree.commands[name] for name in app.GROUPS]  # type: ignore[attr-defined]
    commands = [command for group in groups for command in group.commands.values()]
    assert [command.name for command in commands if not any("--json" in each.opts for each in command.params)] == []

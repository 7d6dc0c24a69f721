#!/usr/bin/env python
"""Django's command line; commands that need servers have them, embedded ones where no address is set."""

import contextlib
import os
import sys

# These need neither PostgreSQL nor Redis, or, as `up` does, bring their own.
WITHOUT_SERVERS = frozenset(
    {"check", "collectstatic", "diffsettings", "findstatic", "help", "makemessages", "compilemessages"}
    | {"spectacular", "startapp", "startproject", "up", "version"}
)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from config.development import StartError, check_before_up
    from config.embedded import EmbeddedError, servers_for_command

    try:
        if sys.argv[1:2] == ["up"]:
            check_before_up()
        if sys.argv[1:2] == ["runrealtime"]:
            # A server of requests: its statements are bounded and its connections few.
            os.environ.setdefault("DATABASE_POOL_SIZE", "4")
        with servers_for_command() if _needs_servers(sys.argv[1:]) else contextlib.nullcontext():
            from django.core.management import execute_from_command_line

            execute_from_command_line(sys.argv)
    except (EmbeddedError, StartError) as error:
        sys.exit(f"Error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _needs_servers(arguments: list[str]) -> bool:
    command = arguments[0] if arguments else "help"
    return command not in WITHOUT_SERVERS and not {"-h", "--help", "--version"} & set(arguments)


if __name__ == "__main__":
    main()

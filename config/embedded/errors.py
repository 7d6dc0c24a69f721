class EmbeddedError(Exception):
    """The embedded servers cannot run; the message is one line for a person."""


class StateDirBusyError(EmbeddedError):
    """Another live process runs the servers of this state directory."""

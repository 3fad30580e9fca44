"""Errors of the engine that are meant for people, by what they mean for the exit code."""


class UsageError(Exception):
    """Wrong usage or input (exit code 2); the message is one line that says what, where, and what to do."""


def first_cause(failure: BaseException) -> BaseException:
    """Return the error behind the groups that task groups wrap it in."""
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure


class RunError(Exception):
    """The work itself could not go on (exit code 1)."""

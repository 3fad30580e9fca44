"""What can go wrong with a database, each a line that says what, where, and what to do."""


class StorageError(Exception):
    """The database can't be opened, read or written; the message is meant for people."""


class NotFoundError(StorageError):
    """What was asked for by id is not in the database, or the id fits several."""


class OtherRunError(NotFoundError):
    """What was asked for is in the database, but belongs to another run, which the message names."""


class WrongDatabaseError(StorageError):
    """The file named is not a database that this version can use."""

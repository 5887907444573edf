from typing import final

@final
class Column:
    place: int
    def __init__(self, place: int) -> None: ...

KINDS: dict[str, int]
ALPHA: dict[str, float]
FROM_INPUT: set[str]

"""What cannot be exported, and what to use instead."""


class Unsupported(ValueError):
    """An estimator, a step or an option that Sordino does not read."""

    def __init__(self, operator, instead):
        super().__init__(f"{operator} is not supported: {instead}")
        self.operator = operator
        self.instead = instead

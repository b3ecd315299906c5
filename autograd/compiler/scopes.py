"""Where in nested choices a step of a listing stands: a scope is the way into them, and each has a number.

A step that several choices need has several scopes, and is computed where one of them is entered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from heapq import heapify, heappop, heappush

Test = tuple[int, int]  # a condition, and whether it holds, 0, or does not, 1
Needs = frozenset[int]  # scopes: a step is computed where one of them is entered
OUTSIDE = 0
ALWAYS: Needs = frozenset([OUTSIDE])
MOST = 256  # scopes of a step; what has more is computed where all of them lie


class Scopes:
    def __init__(self) -> None:
        self.around, self.test, self.depth = [OUTSIDE], [(-1, 0)], [0]
        self._known: dict[tuple[int, Test], int] = {}

    def inside(self, scope: int, test: Test) -> int:
        """The scope where, in another one, a test has that outcome."""
        number = self._known.get((scope, test))
        if number is None:
            number = self._known[scope, test] = len(self.around)
            self.around.append(scope)
            self.test.append(test)
            self.depth.append(self.depth[scope] + 1)
        return number

    def path(self, scope: int, start: int = OUTSIDE) -> list[Test]:
        """The tests on the way to a scope, the outermost first; those inside of `start`, if it is given."""
        found = []
        while scope != start:
            found.append(self.test[scope])
            scope = self.around[scope]
        return found[::-1]

    def outcome(self, condition: int, scope: int) -> int | None:
        """Which outcome a condition has in a scope, where that is settled."""
        while scope:
            if self.test[scope][0] == condition:
                return self.test[scope][1]
            scope = self.around[scope]
        return None

    def settled(self, condition: int, needs: Needs) -> int | None:
        """Which outcome a condition has in all of the scopes, where that is settled."""
        found = {self.outcome(condition, scope) for scope in needs}
        return found.pop() if len(found) == 1 else None

    def taking(self, side: int, condition: int, needs: Needs) -> Needs:
        """The scopes where a choice inside of these ones takes a side."""
        outcomes = ((scope, self.outcome(condition, scope)) for scope in needs)
        return frozenset(
            scope if outcome == side else self.inside(scope, (condition, side))
            for scope, outcome in outcomes
            if outcome in (None, side)
        )

    def common(self, scopes: Iterable[int]) -> int:
        """The innermost scope around all of these."""
        found, *others = scopes
        for scope in others:
            while found != scope:
                if self.depth[found] >= self.depth[scope]:
                    found = self.around[found]
                else:
                    scope = self.around[scope]
        return found

    def simplified(self, scopes: Collection[int]) -> Needs:
        """The same without those that lie inside of others, and with both sides of a choice as what is around it."""
        if OUTSIDE in scopes:
            return ALWAYS
        if len(scopes) == 1:
            return frozenset(scopes)
        left = {scope for scope in scopes if not self._lies_in(scope, scopes)}
        pending = [(-self.depth[scope], scope) for scope in left]
        heapify(pending)
        while pending:
            _, scope = heappop(pending)
            around, (condition, side) = self.around[scope], self.test[scope]
            twin = self._known.get((around, (condition, 1 - side)))
            if scope in left and twin in left:
                left -= {scope, twin}
                if around == OUTSIDE:
                    return ALWAYS
                left.add(around)
                heappush(pending, (-self.depth[around], around))
        left = {scope for scope in left if not self._lies_in(scope, left)}
        return frozenset(left) if len(left) <= MOST else frozenset([self.common(left)])

    def without(self, condition: int, needs: Needs) -> Needs:
        """The scopes around the tests of a condition, for those that lie inside of one."""
        found = set()
        for scope in needs:
            outer = scope
            while outer:
                if self.test[outer][0] == condition:
                    scope = self.around[outer]
                outer = self.around[outer]
            found.add(scope)
        return self.simplified(found)

    def _lies_in(self, scope: int, others: Collection[int]) -> bool:
        while scope:
            scope = self.around[scope]
            if scope in others:
                return True
        return False

    def implied(self, needs: Needs, by: Needs) -> bool:
        """Whether each of the scopes lies in one of the others, by its tests in whatever order."""
        if OUTSIDE in by or needs <= by:
            return True
        wanted = [set(self.path(scope)) for scope in by]
        return all(any(tests <= set(self.path(scope)) for tests in wanted) for scope in needs)

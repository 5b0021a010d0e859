"""The two unstable sorts of .NET, which order equal keys as Microsoft's compiler left them.

Order among equal file rules means nothing to Windows; it only matters for comparing bytes.
Both algorithms are described in .NET's reference source for Array.Sort.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Rules = list[Any]
Key = Callable[[Any], Any]


def quick_sort(items: Rules, key: Key) -> Rules:
    """Of the CLR before 4.5: Hoare's partition around the median of three."""
    data = [(key(item), item) for item in items]

    def order(first: int, second: int) -> None:
        if first != second and data[first][0] > data[second][0]:
            data[first], data[second] = data[second], data[first]

    def sort(low: int, high: int) -> None:
        while low < high:
            left, right = low, high
            middle = left + (right - left) // 2
            order(left, middle)
            order(left, right)
            order(middle, right)
            pivot = data[middle][0]
            while left <= right:
                while data[left][0] < pivot:
                    left += 1
                while pivot < data[right][0]:
                    right -= 1
                if left > right:
                    break
                data[left], data[right] = data[right], data[left]
                left += 1
                right -= 1
            if right - low <= high - left:
                sort(low, right)
                low = left
            else:
                sort(left, high)
                high = right

    sort(0, len(data) - 1)
    return [item for _, item in data]


def intro_sort(items: Rules, key: Key) -> Rules:
    """Of the CLR since 4.5, without its heap sort, which no public policy is odd enough for."""
    data = [(key(item), item) for item in items]

    def swap(first: int, second: int) -> None:
        data[first], data[second] = data[second], data[first]

    def order(first: int, second: int) -> None:
        if first != second and data[first][0] > data[second][0]:
            swap(first, second)

    def insertion(low: int, high: int) -> None:
        for end in range(low, high):
            moved = data[end + 1]
            at = end
            while at >= low and moved[0] < data[at][0]:
                data[at + 1] = data[at]
                at -= 1
            data[at + 1] = moved

    def partition(low: int, high: int) -> int:
        middle = low + (high - low) // 2
        order(low, middle)
        order(low, high)
        order(middle, high)
        pivot = data[middle][0]
        swap(middle, high - 1)
        left, right = low, high - 1
        while left < right:
            left += 1
            while data[left][0] < pivot:
                left += 1
            right -= 1
            while pivot < data[right][0]:
                right -= 1
            if left >= right:
                break
            swap(left, right)
        swap(left, high - 1)
        return left

    def sort(low: int, high: int) -> None:
        while high > low:
            size = high - low + 1
            if size == 2:
                order(low, high)
                return
            if size == 3:
                order(low, high - 1)
                order(low, high)
                order(high - 1, high)
                return
            if size <= 16:
                insertion(low, high)
                return
            middle = partition(low, high)
            sort(middle + 1, high)
            high = middle - 1

    sort(0, len(data) - 1)
    return [item for _, item in data]

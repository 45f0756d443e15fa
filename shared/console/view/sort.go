package view

import "sort"

// Sort puts a list in an order; what is alike in it stays as it was. slices.SortStableFunc would be
// compiled for each type of list, 12 KB each.
func Sort[T any](list []T, before func(a, b T) bool) {
	sort.SliceStable(list, func(i, j int) bool { return before(list[i], list[j]) })
}

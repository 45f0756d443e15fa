// Package histories lets many HTTP clients at once assign, unassign, reassign, buy, terminate and
// read licenses of a runner that is a process of its own, and has porcupine judge what they were
// answered: of each account and product there must be an order of the requests, each at one moment
// between its being sent and its being answered, in which the rules of requirements, sections 3 and
// 4 give every one of these answers. It has no code but its tests.
package histories

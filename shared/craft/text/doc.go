// Package text decides how what people write is compared, searched and taken in: names, numbers,
// e-mail addresses, extensions and the cells of a file (requirements, sections 5 and 6).
//
// There is one answer to each question, for every resource and every file:
//
//	Fold, Same    whether two texts look the same to a person
//	Words, Query  what a search finds
//	Nearest       what was meant by a slip
//	Clean         what is left of a cell
//	NameFault     what a name may hold
//	Number        what is a number, and Digits when two are one
//	Email         when two addresses are one
//	Extension     what is an extension
//
// It is pure, and nothing of it is done before it is asked: a function that links it starts as fast
// as before.
package text

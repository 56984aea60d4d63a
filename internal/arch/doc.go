// Package arch has no code. Its tests read the source of the whole project and
// fail where it leaves the house that was designed: floors that import only
// what is below them, fences around what only one package may touch, no hidden
// state, no query that forgets the customer, functions that fit on a screen.
//
// Each rule is a function from a parsed tree to its findings, and has a test
// that feeds it a bad example: a rule that cannot fail holds nothing.
package arch

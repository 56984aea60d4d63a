// Package testkit is what the tests of this project share: databases that live
// as long as a test, a clock that a test moves, and the real programs that
// stand in for a user's phone.
//
// Nothing here skips. A test that cannot have what it needs fails, and says how
// to get it. Only tests import this package; internal/arch sees to that.
package testkit

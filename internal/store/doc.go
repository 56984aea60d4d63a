// Package store keeps the portal's data in SQLite or PostgreSQL with one set
// of queries for both.
//
// Every row of a customer is reached through a View or a Tx that is bound to
// that customer; only the few look-ups that find out who somebody is (a login
// ID, a session token, a link) are not. A View reads, a Tx also changes. A Tx
// that changes anything must record an event: Write refuses to commit without
// one. A closure may run several times (PostgreSQL serialisation faults), so
// it keeps nothing of an attempt that did not commit.
//
// Single-use things (a time step, a recovery code, a half session, a link) are
// spent by one conditional statement; its row count is the verdict.
package store

// Package auth answers "who are you?": signing in, sessions, the second
// factor, recovery codes, passwords, step-up and the budgets against guessing.
//
// Three rules carry it. An attempt is charged before the secret is looked at,
// and a refusal is committed like a success, so that it counts. What may be
// used once is spent in the transaction of what it authorises. And one
// function, openSession, creates sessions: it demands the proofs.
package auth

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/google/uuid"

	"portal"
	"portal/internal/meter"
	"portal/internal/seal"
	"portal/internal/store"
	"portal/internal/weak"
)

// Config is what the service stands on.
type Config struct {
	Store  *store.Store
	Ring   *seal.Ring
	Hasher *seal.Hasher
	// Weak is the list of passwords that nobody may choose; nil is the bundled
	// one.
	Weak   *weak.List
	Now    portal.Clock
	Limits portal.Limits
	Log    *slog.Logger
	// Meter counts sign-ins and used-up budgets; nil counts nothing.
	Meter *meter.Meter
}

// Service holds the use cases of an account and its owner.
type Service struct {
	store  *store.Store
	ring   *seal.Ring
	hasher *seal.Hasher
	weak   *weak.List
	now    portal.Clock
	limits portal.Limits
	log    *slog.Logger
	meter  *meter.Meter
}

// New makes the service.
func New(c Config) *Service {
	c.Meter.Budgets(budgetKinds()...)
	return &Service{
		store: c.Store, ring: c.Ring, hasher: c.Hasher, weak: c.Weak, now: c.Now, limits: c.Limits, log: c.Log, meter: c.Meter,
	}
}

// newID returns an identifier that is never used again and sorts by age.
func newID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("new identifier: %w", err)
	}
	return id.String(), nil
}

// hashing translates what the hasher says: a full queue is an overload, which
// changes nothing and passes.
func hashing(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, seal.ErrBusy) {
		return portal.Unavailable(err)
	}
	return fmt.Errorf("password hash: %w", err)
}

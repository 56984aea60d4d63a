package auth

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"time"

	"portal"
	"portal/internal/seal"
	"portal/internal/store"
)

// HashPassword checks a new password against the rules and hashes it. It is
// slow on purpose; call it before a transaction, never inside.
func (s *Service) HashPassword(ctx context.Context, f portal.Field, password string, owner portal.PasswordOwner) (store.Password, error) {
	if err := s.checkNew(f, password, owner); err != nil {
		return store.Password{}, err
	}
	return s.hashNew(ctx, password)
}

// checkNew checks a new password against the rules.
func (s *Service) checkNew(f portal.Field, password string, owner portal.PasswordOwner) error {
	if err := portal.CheckPassword(f, password, owner); err != nil {
		return err
	}
	return s.checkWeak(f, password)
}

func (s *Service) hashNew(ctx context.Context, password string) (store.Password, error) {
	hash, err := s.hasher.Hash(ctx, password)
	return store.Password{Hash: hash, Short: !portal.StandsAlone(password)}, hashing(err)
}

// checkWeak refuses what is tried first, and what comes down to it (PW-06).
func (s *Service) checkWeak(f portal.Field, password string) error {
	why := "This password is on a list of common and breached ones, which are tried first."
	for _, stem := range portal.PasswordStems(password) {
		known, err := s.weak.Has(stem)
		if err != nil {
			return fmt.Errorf("new password: %w", err)
		}
		if known {
			return portal.Invalid(f, "%s Choose a few words that nobody else would put together.", why)
		}
		why = "Without what was added or repeated this is one of the common and breached passwords that are tried first."
	}
	return nil
}

// rehash replaces the hash of a password by one of today's cost (PW-12). It is
// still the same password, so that nothing of the account changes with it, and
// what it was given for goes on where this fails: the next proof tries again.
func (s *Service) rehash(ctx context.Context, who store.Credentials, password string) {
	hash, err := s.hasher.Hash(ctx, password)
	if err == nil {
		err = s.store.RaiseHash(ctx, who, hash)
	}
	if err != nil {
		s.log.WarnContext(ctx, "a password keeps its older hash", "user_id", who.ID, "error", err)
	}
}

// OwnerOf is a user as the owner of a password.
func OwnerOf(user portal.User, customer portal.Customer, now time.Time) portal.PasswordOwner {
	return portal.PasswordOwner{
		LoginID: user.LoginID, Name: user.Name, Email: user.Email, Customer: customer.Name,
		Protected: customer.Policies.Of(user.Role).Requires(now),
	}
}

// ownerOf reads a user of the view's customer as the owner of a password.
func ownerOf(ctx context.Context, view store.View, id portal.UserID) (portal.PasswordOwner, error) {
	user, err := view.User(ctx, id)
	if err != nil {
		return portal.PasswordOwner{}, err
	}
	customer, err := view.Customer(ctx)
	return OwnerOf(user, customer, view.Now), err
}

// samePassword tells whether two texts are one password, however they were
// typed (PW-05).
func samePassword(one, other string) bool {
	return hmac.Equal([]byte(seal.NormalizePassword(one)), []byte(seal.NormalizePassword(other)))
}

// sameAgain refuses the password that was to be replaced.
func sameAgain() error {
	return portal.Invalid(portal.FieldNewPassword, "This is the password that you have now. Choose another one.")
}

// ChangePassword replaces the actor's password. The proof carries the current
// one, and a second factor where 2FA is enabled (PW-08).
func (s *Service) ChangePassword(ctx context.Context, actor portal.Actor, p Proof, newPassword string) (Renewed, error) {
	if err := actor.Can(portal.RenewPassword); err != nil {
		return Renewed{}, err
	}
	if p.Password == "" {
		return Renewed{}, portal.Invalid(portal.FieldCurrent, "Enter your current password.")
	}
	if actor.Owes == portal.OwesPassword && samePassword(newPassword, p.Password) { // somebody else may know it (PW-09)
		return Renewed{}, sameAgain()
	}
	owner, err := ownerOf(ctx, s.store.View(actor.CustomerID), actor.UserID)
	if err != nil {
		return Renewed{}, err
	}
	hash, err := s.HashPassword(ctx, portal.FieldNewPassword, newPassword, owner)
	if err != nil {
		return Renewed{}, err
	}
	renewed, err := s.securityChange(ctx, actor, NeedProof, p, func(tx *store.Tx, user portal.User) error {
		if err := tx.SetPassword(ctx, user.ID, hash); err != nil {
			return err
		}
		if err := s.Forgive(ctx, tx, user.ID); err != nil { // whoever used the budgets up knew the old one
			return err
		}
		return s.Announce(ctx, tx, actor, actor.Did(portal.PasswordChanged).On(user), portal.Letter{Kind: portal.MailPasswordChanged})
	})
	return renewed, asCurrentPassword(err)
}

// asCurrentPassword gives an error about the proof's password the name that
// the field has in the form for changing it.
func asCurrentPassword(err error) error {
	var e *portal.Error
	if errors.As(err, &e) && e.Field == portal.FieldPassword {
		renamed := *e
		renamed.Field = portal.FieldCurrent
		return &renamed
	}
	return err
}

package auth

import (
	"context"
	"errors"
	"fmt"

	"portal"
	"portal/internal/otp"
	"portal/internal/seal"
	"portal/internal/store"
)

// moved says that the 2FA state was another one than the page had shown.
func moved() error {
	return portal.Conflict("Your two-factor authentication has changed in the meantime. This page shows how it stands now.")
}

// StartSetup begins the first setup: a secret is made and shown, and counts
// for nothing until its first code. Starting again while one is pending in
// this session keeps the same key.
func (s *Service) StartSetup(ctx context.Context, actor portal.Actor, p Proof) (Renewed, error) {
	if err := actor.Can(portal.Enrol); err != nil {
		return Renewed{}, err
	}
	return s.underStepUp(ctx, actor, NeedStart, p, func(tx *store.Tx) error {
		user, err := tx.User(ctx, actor.UserID)
		if err != nil {
			return err
		}
		if user.Stored != portal.TwoFactorNone {
			return moved()
		}
		return s.begin(ctx, tx, actor, user, 0)
	})
}

// StartReplacement begins a second setup beside the enabled one, with another
// label; it changes nothing until it is confirmed (OT-07).
func (s *Service) StartReplacement(ctx context.Context, actor portal.Actor, p Proof) (Renewed, error) {
	if err := actor.Can(portal.UseAccount); err != nil {
		return Renewed{}, err
	}
	return s.underStepUp(ctx, actor, NeedProof, p, func(tx *store.Tx) error {
		user, err := tx.User(ctx, actor.UserID)
		if err != nil {
			return err
		}
		if !user.TwoFactor().AsksCode() {
			return moved()
		}
		current, err := tx.Current(ctx, user.ID)
		if err != nil {
			return err
		}
		return s.begin(ctx, tx, actor, user, current.Serial+1)
	})
}

func (s *Service) begin(ctx context.Context, tx *store.Tx, actor portal.Actor, user portal.User, serial int64) error {
	event := actor.Did(portal.SetupStarted).On(user)
	if serial > 0 {
		event.Action = portal.ReplacementStarted
	}
	_, err := tx.Pending(ctx, user.ID, actor.SessionID)
	if err == nil {
		return tx.Record(ctx, event.With("shown again"))
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	id, err := newID()
	if err != nil {
		return err
	}
	a := store.Authenticator{
		ID: portal.AuthenticatorID(id), UserID: user.ID, Serial: serial, SessionID: actor.SessionID,
		ExpiresAt: tx.Now.Add(s.limits.Pending),
	}
	a.Secret = s.ring.Seal(otp.NewSecret(), sealedSecret(user, a.ID))
	if err := tx.PutPending(ctx, a); err != nil {
		return err
	}
	return tx.Record(ctx, event)
}

// CancelSetup gives a pending set-up up. Without one there is nothing to do,
// which is recorded all the same.
func (s *Service) CancelSetup(ctx context.Context, actor portal.Actor) error {
	if err := actor.Can(portal.Enrol); err != nil {
		return err
	}
	return s.store.Write(ctx, actor.CustomerID, func(tx *store.Tx) error {
		was, err := tx.DeletePending(ctx, actor.UserID)
		if err != nil {
			return err
		}
		event := actor.Did(portal.SetupCancelled).On(own(actor))
		if !was {
			event = event.With("none was pending")
		}
		return tx.Record(ctx, event)
	})
}

// ConfirmSetup proves the pending set-up of this session by a code of its own
// secret. The first setup becomes enabled; a replacement takes the place of
// the old one. New recovery codes come with it, and the step of the code is
// spent (OT-02).
func (s *Service) ConfirmSetup(ctx context.Context, actor portal.Actor, code string) (Confirmed, error) {
	if err := actor.Can(portal.Enrol); err != nil {
		return Confirmed{}, err
	}
	if code == "" {
		return Confirmed{}, portal.Invalid(portal.FieldCode, "Enter the 6 digits that your app shows.")
	}
	charged, err := s.chargeConfirm(ctx, actor.SessionID)
	if err != nil {
		return Confirmed{}, err
	}
	typed := factor{code: code, by: actor, knows: true}
	confirmed, v, err := s.tryConfirm(ctx, actor, typed)
	if err != nil {
		return Confirmed{}, err
	}
	if !v.right {
		return Confirmed{}, v.refusal(typed, portal.CodeInvalid)
	}
	s.refund(ctx, charged)
	return confirmed, nil
}

func (s *Service) tryConfirm(ctx context.Context, actor portal.Actor, f factor) (confirmed Confirmed, v verdict, err error) {
	err = s.store.Write(ctx, actor.CustomerID, func(tx *store.Tx) error {
		confirmed, v = Confirmed{}, verdict{}
		pending, err := tx.Pending(ctx, actor.UserID, actor.SessionID)
		if errors.Is(err, store.ErrNotFound) {
			return nothingPending(actor)
		}
		if err != nil {
			return err
		}
		if v, err = s.spendCode(ctx, tx, own(actor), pending, f); err != nil {
			return err
		}
		if !v.right {
			return tx.Record(ctx, actor.WasRefused(portal.SetupConfirmed, v.why).On(own(actor)))
		}
		confirmed, err = s.confirm(ctx, tx, actor, pending)
		return err
	})
	return confirmed, v, err
}

// nothingPending answers a confirmation that comes too late, or twice.
func nothingPending(actor portal.Actor) error {
	if portal.StatusOf(actor.Stored, false).AsksCode() {
		return portal.Conflict("Two-factor authentication is enabled. If you have not seen your recovery codes, get new ones below.")
	}
	return portal.Conflict("There is no set-up in progress any more. Move the slider to Enable to start again.")
}

func (s *Service) confirm(ctx context.Context, tx *store.Tx, actor portal.Actor, pending store.Authenticator) (Confirmed, error) {
	from, action := portal.TwoFactorNone, portal.SetupConfirmed
	if pending.Serial > 0 {
		from, action = portal.TwoFactorEnabled, portal.Replaced
	}
	ok, err := tx.Confirm(ctx, pending, from)
	if err != nil {
		return Confirmed{}, err
	}
	if !ok {
		return Confirmed{}, moved()
	}
	return s.enabled(ctx, tx, actor, action)
}

// enabled completes every way into the enabled state: new recovery codes, the
// other sessions end, the acting session has now proven a code.
func (s *Service) enabled(ctx context.Context, tx *store.Tx, actor portal.Actor, action portal.Action) (Confirmed, error) {
	codes, err := s.issueRecoveryCodes(ctx, tx, actor)
	if err != nil {
		return Confirmed{}, err
	}
	if err := tx.RaiseProofs(ctx, actor.SessionID); err != nil {
		return Confirmed{}, err
	}
	renewed, err := s.settle(ctx, tx, actor)
	if err != nil {
		return Confirmed{}, err
	}
	letter := portal.Letter{Kind: portal.MailFactorEnabled, Left: recoveryCodes}
	if action == portal.Replaced {
		letter.Kind = portal.MailFactorReplaced
	}
	return Confirmed{Renewed: renewed, RecoveryCodes: codes}, s.Announce(ctx, tx, actor, actor.Did(action).On(own(actor)), letter)
}

// DisableTwoFactor switches 2FA off and keeps the setup, unless the customer
// requires 2FA. The recovery codes die, and a pending replacement with them.
func (s *Service) DisableTwoFactor(ctx context.Context, actor portal.Actor, p Proof) (Renewed, error) {
	if err := actor.Can(portal.UseAccount); err != nil {
		return Renewed{}, err
	}
	if err := s.MayGiveUp(actor); err != nil {
		return Renewed{}, err
	}
	return s.securityChange(ctx, actor, NeedProof, p, func(tx *store.Tx, user portal.User) error {
		if err := mayGiveUp(ctx, tx.View, user); err != nil {
			return err
		}
		current, err := s.kept(ctx, tx, user, portal.TwoFactorEnabled)
		if err != nil {
			return err
		}
		ok, err := tx.Switch(ctx, current, portal.TwoFactorEnabled, portal.TwoFactorDisabled)
		if err != nil {
			return err
		}
		if !ok {
			return moved()
		}
		if err := tx.DeleteRecoveryCodes(ctx, user.ID); err != nil {
			return err
		}
		if _, err := tx.DeletePending(ctx, user.ID); err != nil {
			return err
		}
		return s.Announce(ctx, tx, actor, actor.Did(portal.TwoFactorDisable).On(user), portal.Letter{
			Kind: portal.MailFactorDisabled, Until: tx.Now.Add(s.limits.KeptSetup),
		})
	})
}

// kept reads the proven authenticator of a user who stands in the given state.
func (s *Service) kept(ctx context.Context, tx *store.Tx, user portal.User, in portal.TwoFactorState) (store.Authenticator, error) {
	if user.Stored != in {
		return store.Authenticator{}, moved()
	}
	current, err := tx.Current(ctx, user.ID)
	if err != nil {
		return store.Authenticator{}, fmt.Errorf("authenticator of %s: %w", user.ID, err)
	}
	return current, nil
}

// EnableTwoFactor switches 2FA on again with the kept setup, without a new QR
// code: the password and a fresh code of that setup prove it. New recovery
// codes come with it.
func (s *Service) EnableTwoFactor(ctx context.Context, actor portal.Actor, p Proof) (Confirmed, error) {
	if err := actor.Can(portal.Enrol); err != nil {
		return Confirmed{}, err
	}
	if actor.Stored != portal.TwoFactorDisabled {
		return Confirmed{}, moved()
	}
	if err := s.stillKept(ctx, s.store.View(actor.CustomerID), actor.UserID); err != nil {
		return Confirmed{}, err
	}
	var confirmed Confirmed
	before, err := s.underStepUp(ctx, actor, NeedKept, p, func(tx *store.Tx) error {
		user, err := tx.User(ctx, actor.UserID)
		if err != nil {
			return err
		}
		current, err := s.kept(ctx, tx, user, portal.TwoFactorDisabled)
		if err != nil {
			return err
		}
		ok, err := tx.Switch(ctx, current, portal.TwoFactorDisabled, portal.TwoFactorEnabled)
		if err != nil {
			return err
		}
		if !ok {
			return moved()
		}
		confirmed, err = s.enabled(ctx, tx, actor, portal.TwoFactorEnable)
		return err
	})
	if err != nil {
		return Confirmed{Renewed: before}, err
	}
	return confirmed, nil
}

// DeleteSetup removes the actor's 2FA setup, enabled or kept, for good; where
// the customer requires 2FA, a kept one only, which protects nothing and may
// stand in the way of a new one. It works without reading the secret.
func (s *Service) DeleteSetup(ctx context.Context, actor portal.Actor, p Proof) (Renewed, error) {
	if err := actor.Can(portal.Enrol); err != nil {
		return Renewed{}, err
	}
	if err := s.MayGiveUp(actor); err != nil {
		return Renewed{}, err
	}
	if !portal.StatusOf(actor.Stored, false).HasSetup() {
		return Renewed{}, moved()
	}
	return s.securityChange(ctx, actor, NeedProof, p, func(tx *store.Tx, user portal.User) error {
		if user.Stored != actor.Stored {
			return moved()
		}
		if err := mayGiveUp(ctx, tx.View, user); err != nil {
			return err
		}
		ok, err := tx.DeleteSetup(ctx, user.ID, user.Stored)
		if err != nil {
			return err
		}
		if !ok {
			return moved()
		}
		event := actor.Did(portal.SetupDeleted).On(user).With("was " + string(user.Stored))
		return s.Announce(ctx, tx, actor, event, portal.Letter{Kind: portal.MailFactorDeleted})
	})
}

// setup makes the pending authenticator ready to be shown to its owner.
func (s *Service) setup(customer string, user portal.User, a store.Authenticator) (*Setup, error) {
	secret, err := s.ring.Open(a.Secret, sealedSecret(user, a.ID))
	if err != nil {
		return nil, unreadable(err)
	}
	return &Setup{
		URI: otp.URI(issuer(customer), label(user.LoginID, a.Begun), secret),
		Key: otp.Key(secret), ExpiresAt: a.ExpiresAt,
	}, nil
}

// issuer names the portal and the customer in the app's list.
func issuer(customer string) string {
	if customer == "" {
		return portal.ProductName
	}
	return customer + " Portal"
}

// label is the account part of the key URI, and unique for each setup (OT-09).
// Login IDs are so over all customers; each setup of a person but the very first
// gets a number. An app may still hold the entry of one that was given up or
// deleted, and would overwrite an equal label or show two of them.
func label(loginID string, begun int64) string {
	if begun <= 1 {
		return loginID
	}
	return fmt.Sprintf("%s (%d)", loginID, begun)
}

// issueRecoveryCodes makes the user's recovery codes anew; the old ones die.
func (s *Service) issueRecoveryCodes(ctx context.Context, tx *store.Tx, actor portal.Actor) ([]string, error) {
	codes := make([]string, recoveryCodes)
	kept := make([]store.RecoveryCode, recoveryCodes)
	for i := range codes {
		codes[i] = seal.NewRecoveryCode()
		canonical, _ := seal.ParseRecoveryCode(codes[i])
		kept[i].Digest, kept[i].KeyID = s.ring.RecoveryDigest(string(actor.UserID), canonical)
	}
	if err := tx.PutRecoveryCodes(ctx, actor.UserID, kept); err != nil {
		return nil, err
	}
	return codes, tx.Record(ctx, actor.Did(portal.RecoveryIssued).On(own(actor)))
}

// recoveryCodes is how many recovery codes a set has.
const recoveryCodes = 10

// IssueRecoveryCodes replaces the recovery codes of an enabled setup.
func (s *Service) IssueRecoveryCodes(ctx context.Context, actor portal.Actor, p Proof) (Confirmed, error) {
	if err := actor.Can(portal.UseAccount); err != nil {
		return Confirmed{}, err
	}
	var codes []string
	renewed, err := s.securityChange(ctx, actor, NeedProof, p, func(tx *store.Tx, user portal.User) (err error) {
		if !user.TwoFactor().AsksCode() {
			return moved()
		}
		if err := tx.Bump(ctx, user.ID); err != nil {
			return err
		}
		if codes, err = s.issueRecoveryCodes(ctx, tx, actor); err != nil {
			return err
		}
		return s.TellWithAlarm(ctx, tx, actor, user, portal.Letter{Kind: portal.MailRecoveryIssued, Left: recoveryCodes})
	})
	if err != nil {
		return Confirmed{Renewed: renewed}, err
	}
	return Confirmed{Renewed: renewed, RecoveryCodes: codes}, nil
}

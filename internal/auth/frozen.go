package auth

import (
	"context"
	"errors"

	"portal"
	"portal/internal/seal"
	"portal/internal/store"
)

// Alarm is what the page of "this was not me" shows.
type Alarm struct {
	// Mark tells the link from others on the page that it opens; it is no secret.
	Mark string

	LoginID, Name, CustomerName string
	// Frozen says that there is nothing left to do.
	Frozen bool
}

// deadAlarm is the one answer for a link "this was not me" that never was, was
// used or has run out.
func deadAlarm() error {
	return &portal.Error{Code: portal.CodeNotFound, Message: "This link does not work any more."}
}

// OpenAlarm tells whose account a link "this was not me" freezes. It changes
// nothing: mail programs open links, too.
func (s *Service) OpenAlarm(ctx context.Context, token string) (Alarm, error) {
	a, err := s.findAlarm(ctx, token)
	if err != nil {
		return Alarm{}, err
	}
	who, err := s.store.View(a.CustomerID).Credentials(ctx, a.UserID)
	if err == nil && a.used && !who.Frozen {
		err = deadAlarm()
	}
	if err != nil {
		return Alarm{}, err
	}
	return Alarm{Mark: seal.TokenMark(token), LoginID: who.LoginID, Name: who.Name, CustomerName: who.CustomerName, Frozen: who.Frozen}, nil
}

// alarm is a link that has not run out.
type alarm struct {
	store.Alarm
	digest []byte
	used   bool // it has frozen the account, which may be open again by now
}

func (s *Service) findAlarm(ctx context.Context, token string) (a alarm, err error) {
	digest, ok := seal.TokenDigest(token)
	if !ok {
		return alarm{}, deadAlarm()
	}
	a.digest = digest
	a.Alarm, err = s.store.AlarmByDigest(ctx, digest)
	if errors.Is(err, store.ErrNotFound) {
		a.used = true
		a.Alarm, err = s.store.AlarmByDigest(ctx, seal.SpentDigest(digest))
	}
	if errors.Is(err, store.ErrNotFound) {
		err = deadAlarm()
	}
	return a, err
}

// Freeze closes an account behind "this was not me" until an administrator or
// a recovery code opens it: everything that was issued for it ends, no browser
// is known any more. Nothing stands against it, not even that it is the last
// administrator's: a stolen account does more harm than one that the host has
// to open.
func (s *Service) Freeze(ctx context.Context, o portal.Origin, token string) error {
	a, err := s.findAlarm(ctx, token)
	if err != nil {
		return err
	}
	return s.store.Write(ctx, a.CustomerID, func(tx *store.Tx) error {
		user, err := tx.User(ctx, a.UserID)
		if err != nil {
			return err
		}
		if err := freeze(ctx, tx, user, a.digest); err != nil {
			return err
		}
		return s.tellFrozen(ctx, tx, portal.Stranger(o), user)
	})
}

func freeze(ctx context.Context, tx *store.Tx, user portal.User, digest []byte) error {
	if user.Frozen {
		return portal.Conflict("This account is frozen already.")
	}
	spent, err := tx.SpendAlarm(ctx, digest, seal.SpentDigest(digest))
	if err != nil {
		return err
	}
	if !spent {
		return deadAlarm()
	}
	if _, err := tx.Freeze(ctx, user.ID); err != nil { // the new security version voids every link
		return err
	}
	if _, err := tx.EndSessions(ctx, user.ID, ""); err != nil {
		return err
	}
	if _, err := tx.DeletePending(ctx, user.ID); err != nil {
		return err
	}
	return tx.ForgetBrowsers(ctx, user.ID)
}

func (s *Service) tellFrozen(ctx context.Context, tx *store.Tx, actor portal.Actor, user portal.User) error {
	if err := tx.Record(ctx, actor.Did(portal.AccountFrozen).On(user).With("this was not me")); err != nil {
		return err
	}
	l, err := wayBack(ctx, tx.View, user)
	if err != nil {
		return err
	}
	if err := s.Tell(ctx, tx, actor, user, l); err != nil {
		return err
	}
	colleague := portal.Letter{Kind: portal.MailFrozenAdmin, About: user.Name, AboutID: user.ID}
	return s.TellAdministrators(ctx, tx, actor, colleague, user.ID)
}

// wayBack is the letter that says how a frozen account opens again: by what its
// owner has, and by whom there is to ask.
func wayBack(ctx context.Context, view store.View, user portal.User) (l portal.Letter, err error) {
	l = portal.Letter{Kind: portal.MailFrozen, Invited: user.Invited}
	if user.TwoFactor().AsksCode() {
		if l.Left, err = view.RecoveryCodesLeft(ctx, user.ID); err != nil {
			return l, err
		}
	}
	l.Told, err = view.OtherActiveAdministrator(ctx, user.ID)
	return l, err
}

// Thaw opens a frozen account again, in the transaction of who may: an
// administrator, or a recovery code behind the right password. Somebody else
// may know the password, so that a new one is wanted; who has none yet needs a
// new invitation.
func (s *Service) Thaw(ctx context.Context, tx *store.Tx, actor portal.Actor, e portal.Event) error {
	thawed, err := tx.Thaw(ctx, e.TargetID)
	if err != nil {
		return err
	}
	if !thawed {
		return portal.Conflict("This account is not frozen any more.")
	}
	user, err := tx.User(ctx, e.TargetID)
	if err != nil {
		return err
	}
	if !user.Invited {
		if _, err := tx.DemandPassword(ctx, e.TargetID); err != nil {
			return err
		}
	}
	return s.Announce(ctx, tx, actor, e, portal.Letter{Kind: portal.MailThawed, Invited: user.Invited})
}

// enterFrozen is what a right password earns on a frozen account: a half
// session that a recovery code completes, or nothing where there is none.
func (s *Service) enterFrozen(ctx context.Context, tx *store.Tx, a arrival, user portal.User) (SignedIn, error) {
	event := portal.Stranger(a.Origin).WasRefused(portal.PasswordTried, "account is frozen").On(user)
	left, err := tx.RecoveryCodesLeft(ctx, user.ID)
	if err != nil {
		return SignedIn{}, err
	}
	if left == 0 || !user.TwoFactor().AsksCode() {
		return SignedIn{}, tx.Record(ctx, event)
	}
	half, err := s.openHalf(ctx, tx, a, user)
	if err != nil {
		return SignedIn{}, err
	}
	event.Outcome, event.Detail = portal.Done, "account is frozen: a recovery code is owed"
	return SignedIn{Half: half}, tx.Record(ctx, event)
}

// frozenShut answers a right password that nothing can complete.
func frozenShut() error {
	return portal.Invalid("", "Your account is frozen, because somebody reported with a link of a mail: this was not me. Ask an administrator to open it again, or whoever runs this portal for you.")
}

// thawByRecovery opens a frozen account in the transaction that a recovery code
// has earned; the user is another version then.
func (s *Service) thawByRecovery(ctx context.Context, tx *store.Tx, p proven) (portal.User, error) {
	if !p.user.Frozen {
		return p.user, nil
	}
	if p.by != store.ByRecoveryCode {
		return p.user, portal.SignInFirst()
	}
	event := signedIn(portal.Stranger(p.origin).Did(portal.AccountThawed).On(p.user).With("recovery code; a new password is demanded"), p.user)
	if err := s.Thaw(ctx, tx, portal.Stranger(p.origin), event); err != nil {
		return p.user, err
	}
	return tx.User(ctx, p.user.ID)
}

// SecondStep tells what the second step of a sign-in asks for.
type SecondStep struct {
	// Frozen accounts are opened by a recovery code only, and so are those whose
	// codes are blocked.
	Frozen  bool
	Blocked bool
}

// RecoveryOnly tells whether codes of the app open nothing.
func (s SecondStep) RecoveryOnly() bool { return s.Frozen || s.Blocked }

// SecondStep tells it to who has proven the password.
func (s *Service) SecondStep(ctx context.Context, half string) (SecondStep, error) {
	h, err := s.half(ctx, half)
	if err != nil {
		return SecondStep{}, err
	}
	view := s.store.View(h.CustomerID)
	user, err := view.User(ctx, h.UserID)
	if err != nil {
		return SecondStep{}, err
	}
	current, err := view.Current(ctx, h.UserID)
	return SecondStep{Frozen: user.Frozen, Blocked: s.blocked(current)}, err
}

package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"portal"
	"portal/internal/auth"
	"portal/internal/store"
)

// NewUser is what an administrator fills in to add a user.
type NewUser struct{ LoginID, Name, Email, Role string }

// parse checks all fields, as on every surface.
func (in NewUser) parse() (u portal.User, err error) {
	if u.LoginID, err = portal.ParseLoginID(in.LoginID); err != nil {
		return u, err
	}
	if u.Name, err = portal.ParseName(in.Name); err != nil {
		return u, err
	}
	if u.Email, err = portal.ParseEmail(in.Email); err != nil {
		return u, err
	}
	u.Role, err = portal.ParseRole(in.Role)
	u.State = portal.UserActive
	return u, err
}

// Invited is a user who has yet to choose a password, and the token of the
// link to do so. It is mailed, and shown once; only its digest is kept.
type Invited struct {
	auth.Renewed
	User      portal.User
	Token     string
	ExpiresAt time.Time
	// Again says that the same form came a second time: the answer to the first
	// has the link.
	Again bool
}

// AddUser adds a user of the actor's customer, who chooses the password behind
// a one-time link.
func (s *Service) AddUser(ctx context.Context, actor portal.Actor, in NewUser, p auth.Proof) (Invited, error) {
	if err := actor.Can(portal.AddUsers); err != nil {
		return Invited{}, err
	}
	user, err := in.parse()
	if err != nil {
		return Invited{}, err
	}
	renewed, err := s.auth.StepUp(ctx, actor, auth.NeedFresh, p)
	if err != nil {
		return Invited{Renewed: renewed}, err
	}
	giveBack, err := s.auth.ChargeTakenID(ctx, actor)
	if err != nil {
		return Invited{Renewed: renewed}, err
	}
	if err := s.auth.ChargeInvitation(ctx, actor); err != nil {
		return Invited{Renewed: renewed}, err
	}
	invited, err := s.addInvited(ctx, actor, user)
	invited.Renewed = renewed
	if errors.Is(err, store.ErrConflict) {
		invited.User, invited.Again, err = s.justAdded(ctx, actor, user)
		if err == nil && !invited.Again {
			err = s.taken(ctx, actor, store.ErrConflict)
		}
	}
	if err != nil {
		return invited, err
	}
	giveBack()
	return invited, nil
}

// twice is how long after a form the same form counts as its second press.
const twice = time.Minute

// justAdded tells whether a user whose login ID is taken is the one whom the
// actor has added with the same form a moment ago.
func (s *Service) justAdded(ctx context.Context, actor portal.Actor, in portal.User) (portal.User, bool, error) {
	who, err := s.store.CredentialsByLogin(ctx, in.LoginID)
	if errors.Is(err, store.ErrNotFound) || err == nil && who.CustomerID != actor.CustomerID {
		return portal.User{}, false, nil
	}
	if err != nil {
		return portal.User{}, false, err
	}
	view := s.store.View(actor.CustomerID)
	link, err := view.LinkFor(ctx, store.InvitationPurpose, who.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return portal.User{}, false, err
	}
	byActor := who.Invited && link.MadeBy == actor.UserID && view.Now.Sub(who.CreatedAt) < twice
	return who.User, byActor && sameForm(who.User, in), nil
}

func sameForm(a, b portal.User) bool {
	return a.LoginID == b.LoginID && a.Name == b.Name && a.Email == b.Email && a.Role == b.Role
}

func (s *Service) addInvited(ctx context.Context, actor portal.Actor, user portal.User) (invited Invited, err error) {
	if user.ID, err = newUserID(); err != nil {
		return Invited{}, err
	}
	err = s.store.Write(ctx, actor.CustomerID, func(tx *store.Tx) error {
		if err := s.auth.RequireStepUp(ctx, tx, actor, auth.NeedFresh); err != nil {
			return err
		}
		if err := tx.AddUser(ctx, user, store.Password{}); err != nil {
			return err
		}
		if err := tx.Record(ctx, actor.Did(portal.UserAdded).On(user).With(user.Role.Label())); err != nil {
			return err
		}
		added, err := tx.User(ctx, user.ID)
		if err != nil {
			return err
		}
		invited, err = s.invite(ctx, tx, actor, added)
		return err
	})
	return invited, err
}

func newUserID() (portal.UserID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("new identifier: %w", err)
	}
	return portal.UserID(id.String()), nil
}

// taken turns a broken unique rule into words, and records that the actor has
// learnt that a login ID exists.
func (s *Service) taken(ctx context.Context, actor portal.Actor, err error) error {
	if !errors.Is(err, store.ErrConflict) {
		return err
	}
	err = s.store.Write(ctx, actor.CustomerID, func(tx *store.Tx) error {
		return tx.Record(ctx, actor.WasRefused(portal.UserAdded, "login ID is taken"))
	})
	if err != nil {
		return err
	}
	return portal.Invalid(portal.FieldLoginID, "This login ID is taken. Choose another one.")
}

// invite makes the invitation link of a user without a password.
func (s *Service) invite(ctx context.Context, tx *store.Tx, actor portal.Actor, user portal.User) (Invited, error) {
	token, until, err := s.auth.Invite(ctx, tx, actor, user)
	return Invited{User: user, Token: token, ExpiresAt: until}, err
}

// Invite makes a new invitation link; the older one is void.
func (s *Service) Invite(ctx context.Context, actor portal.Actor, id portal.UserID, p auth.Proof) (invited Invited, err error) {
	if err := actor.Can(portal.AddUsers); err != nil {
		return Invited{}, err
	}
	if err := s.auth.ChargeInvitation(ctx, actor); err != nil {
		return Invited{}, err
	}
	renewed, err := s.on(ctx, actor, id, deed{portal.AddUsers, auth.NeedFresh, p, mayInvite, func(tx *store.Tx, user portal.User) (err error) {
		invited, err = s.invite(ctx, tx, actor, user)
		return err
	}})
	invited.Renewed = renewed
	return invited, err
}

func mayInvite(_ context.Context, _ store.View, user portal.User) error {
	switch {
	case !user.Invited:
		return portal.Conflict("%s has a password already and needs no invitation.", user.Name)
	case user.State != portal.UserActive:
		return portal.Conflict("%s is suspended. Reactivate the account first.", user.Name)
	case user.Frozen:
		return portal.Conflict("The account of %s is frozen. Open it again first.", user.Name)
	}
	return nil
}

// WithdrawInvitation voids the open invitation of a user, who stays invited:
// a new link can be made.
func (s *Service) WithdrawInvitation(ctx context.Context, actor portal.Actor, id portal.UserID, p auth.Proof) (auth.Renewed, error) {
	return s.on(ctx, actor, id, deed{portal.AddUsers, auth.NeedFresh, p, s.mayWithdraw, func(tx *store.Tx, user portal.User) error {
		if _, err := tx.DropLink(ctx, store.InvitationPurpose, user.ID); err != nil {
			return err
		}
		return tx.Record(ctx, actor.Did(portal.InvitationDropped).On(user))
	}})
}

func (s *Service) mayWithdraw(ctx context.Context, view store.View, user portal.User) error {
	until, err := s.auth.InvitedUntil(ctx, view, user.ID)
	if err == nil && until.IsZero() {
		err = portal.Conflict("%s has no open invitation. There is nothing to withdraw.", user.Name)
	}
	return err
}

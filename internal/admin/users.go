package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"portal"
	"portal/internal/auth"
	"portal/internal/store"
)

// pageSize is how many users or events a page lists.
const pageSize = 50

// recentEvents is how many events the page of a user shows.
const recentEvents = 10

// UserQuery asks for one page of the customer's users.
type UserQuery struct {
	Search        string
	State         portal.TwoFactorState // empty: any
	After, Before portal.UserID
}

// UserPage is one page of users, and the ways on and back; empty means none.
type UserPage struct {
	Users          []portal.User
	Counts         map[portal.TwoFactorState]int64
	Previous, Next portal.UserID
}

// Users lists one page of the customer's users.
func (s *Service) Users(ctx context.Context, actor portal.Actor, q UserQuery) (UserPage, error) {
	if err := actor.Can(portal.SeeUsers); err != nil {
		return UserPage{}, err
	}
	view := s.store.View(actor.CustomerID)
	users, err := view.Users(ctx, store.UserQuery{
		Search: q.Search, State: q.State, After: q.After, Before: q.Before, Limit: pageSize + 1,
	})
	if err != nil {
		return UserPage{}, err
	}
	counts, err := view.Counts(ctx)
	page := paged(users, q)
	page.Counts = counts
	return page, err
}

// paged cuts the one user too many off, which tells that there is more.
func paged(users []portal.User, q UserQuery) UserPage {
	var page UserPage
	more := len(users) > pageSize
	switch {
	case q.Before != "":
		users = users[max(0, len(users)-pageSize):]
		page.Next = lastOf(users)
		if more {
			page.Previous = firstOf(users)
		}
	default:
		users = users[:min(len(users), pageSize)]
		if more {
			page.Next = lastOf(users)
		}
		if q.After != "" {
			page.Previous = firstOf(users)
		}
	}
	page.Users = users
	return page
}

func firstOf(users []portal.User) portal.UserID {
	if len(users) == 0 {
		return ""
	}
	return users[0].ID
}

func lastOf(users []portal.User) portal.UserID {
	if len(users) == 0 {
		return ""
	}
	return users[len(users)-1].ID
}

// UserDetail is what an administrator sees of one user: state and dates,
// never anything secret (DP-04).
type UserDetail struct {
	User           portal.User
	TwoFactorSince time.Time
	LastSignIn     time.Time
	Sessions       int
	Activity       []portal.Event
}

// User reads one user of the customer.
func (s *Service) User(ctx context.Context, actor portal.Actor, id portal.UserID) (UserDetail, error) {
	if err := actor.Can(portal.SeeUsers); err != nil {
		return UserDetail{}, err
	}
	user, err := s.user(ctx, actor, id)
	if err != nil {
		return UserDetail{}, err
	}
	detail := UserDetail{User: user}
	view := s.store.View(actor.CustomerID)
	sessions, err := view.SessionsOf(ctx, id, s.limits.Idle)
	if err != nil {
		return UserDetail{}, err
	}
	detail.Sessions = len(sessions)
	if detail.TwoFactorSince, err = view.TwoFactorSince(ctx, id); err != nil {
		return UserDetail{}, err
	}
	if detail.LastSignIn, err = view.LastSignIn(ctx, id); err != nil {
		return UserDetail{}, err
	}
	detail.Activity, err = view.Events(ctx, store.EventQuery{Person: id, Limit: recentEvents})
	return detail, err
}

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
// link to do so. It is shown once; only its digest is kept.
type Invited struct {
	auth.Renewed
	User      portal.User
	Token     string
	ExpiresAt time.Time
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
	invited, err := s.addInvited(ctx, actor, user)
	invited.Renewed = renewed
	if err != nil {
		return invited, s.taken(ctx, actor, err)
	}
	return invited, giveBack()
}

func (s *Service) addInvited(ctx context.Context, actor portal.Actor, user portal.User) (invited Invited, err error) {
	if user.ID, err = newUserID(); err != nil {
		return Invited{}, err
	}
	err = s.store.Write(ctx, actor.CustomerID, func(tx *store.Tx) error {
		if err := s.auth.RequireStepUp(ctx, tx, actor, auth.NeedFresh); err != nil {
			return err
		}
		if err := tx.AddUser(ctx, user, ""); err != nil {
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
	expires := tx.Now.Add(s.limits.Invitation)
	token, err := s.auth.NewLink(ctx, tx, store.Link{
		Purpose: store.InvitationPurpose, Subject: user.ID, SecurityVersion: user.SecurityVersion, ExpiresAt: expires,
	})
	if err != nil {
		return Invited{}, err
	}
	invited := Invited{User: user, Token: token, ExpiresAt: expires}
	return invited, tx.Record(ctx, actor.Did(portal.UserInvited).On(user))
}

// Invite makes a new invitation link; the older one is void.
func (s *Service) Invite(ctx context.Context, actor portal.Actor, id portal.UserID, p auth.Proof) (invited Invited, err error) {
	renewed, err := s.on(ctx, actor, id, deed{portal.AddUsers, auth.NeedFresh, p, func(tx *store.Tx, user portal.User) (err error) {
		if !user.Invited {
			return portal.Conflict("%s has a password already and needs no invitation.", user.Name)
		}
		invited, err = s.invite(ctx, tx, actor, user)
		return err
	}})
	invited.Renewed = renewed
	return invited, err
}

// Edit is what an administrator may change of a user.
type Edit struct{ Name, Email, Role string }

// EditUser changes name, e-mail address and role. A changed role or address
// ends the user's sessions; the actor's own goes on.
func (s *Service) EditUser(ctx context.Context, actor portal.Actor, id portal.UserID, in Edit, p auth.Proof) (auth.Renewed, error) {
	name, err := portal.ParseName(in.Name)
	if err != nil {
		return auth.Renewed{}, err
	}
	email, err := portal.ParseEmail(in.Email)
	if err != nil {
		return auth.Renewed{}, err
	}
	role, err := portal.ParseRole(in.Role)
	if err != nil {
		return auth.Renewed{}, err
	}
	var after auth.Renewed
	renewed, err := s.on(ctx, actor, id, deed{portal.EditUsers, auth.NeedFresh, p, func(tx *store.Tx, user portal.User) (err error) {
		after, err = s.edit(ctx, tx, actor, user, portal.User{Name: name, Email: email, Role: role})
		return err
	}})
	if err == nil && after.Session != "" {
		return after, nil
	}
	return renewed, err
}

func (s *Service) edit(ctx context.Context, tx *store.Tx, actor portal.Actor, old, to portal.User) (auth.Renewed, error) {
	if to.Role != portal.RoleAdministrator {
		if err := keepAnAdministrator(ctx, tx, old); err != nil {
			return auth.Renewed{}, err
		}
	}
	edited := old
	edited.Name, edited.Email, edited.Role = to.Name, to.Email, to.Role
	if err := tx.EditUser(ctx, edited); err != nil {
		return auth.Renewed{}, err
	}
	if err := recordEdit(ctx, tx, actor, old, edited); err != nil {
		return auth.Renewed{}, err
	}
	if old.Email == edited.Email && old.Role == edited.Role {
		return auth.Renewed{}, nil
	}
	return s.auth.EndSessionsOf(ctx, tx, actor, old.ID)
}

func recordEdit(ctx context.Context, tx *store.Tx, actor portal.Actor, old, edited portal.User) error {
	if old.Role != edited.Role {
		change := fmt.Sprintf("%s → %s", old.Role.Label(), edited.Role.Label())
		if err := tx.Record(ctx, actor.Did(portal.RoleChanged).On(old).With(change)); err != nil {
			return err
		}
	}
	var changed []string
	if old.Name != edited.Name {
		changed = append(changed, "name")
	}
	if old.Email != edited.Email {
		changed = append(changed, "e-mail address")
	}
	if len(changed) == 0 {
		changed = []string{"nothing else"}
	}
	return tx.Record(ctx, actor.Did(portal.UserEdited).On(old).With(strings.Join(changed, ", ")))
}

// Suspend closes an account until it is reactivated; its sessions end.
func (s *Service) Suspend(ctx context.Context, actor portal.Actor, id portal.UserID, p auth.Proof) (auth.Renewed, error) {
	return s.on(ctx, actor, id, deed{portal.SuspendUsers, auth.NeedFresh, p, func(tx *store.Tx, user portal.User) error {
		if user.ID == actor.UserID {
			return portal.Conflict("You cannot suspend yourself. Ask another administrator.")
		}
		if err := keepAnAdministrator(ctx, tx, user); err != nil {
			return err
		}
		return s.setState(ctx, tx, actor, user, portal.UserSuspended, portal.UserSuspendedEvent)
	}})
}

// Reactivate opens a suspended account again.
func (s *Service) Reactivate(ctx context.Context, actor portal.Actor, id portal.UserID, p auth.Proof) (auth.Renewed, error) {
	return s.on(ctx, actor, id, deed{portal.SuspendUsers, auth.NeedFresh, p, func(tx *store.Tx, user portal.User) error {
		return s.setState(ctx, tx, actor, user, portal.UserActive, portal.UserReactivated)
	}})
}

func (s *Service) setState(ctx context.Context, tx *store.Tx, actor portal.Actor, user portal.User, to portal.UserState, action portal.Action) error {
	changed, err := tx.SetUserState(ctx, user.ID, to)
	if err != nil {
		return err
	}
	if !changed {
		return portal.Conflict("%s is %s already.", user.Name, to)
	}
	if _, err := tx.EndSessions(ctx, user.ID, ""); err != nil {
		return err
	}
	return tx.Record(ctx, actor.Did(action).On(user))
}

// EndSessions ends all sessions of a user; the actor's own acting one stays.
func (s *Service) EndSessions(ctx context.Context, actor portal.Actor, id portal.UserID, p auth.Proof) (auth.Renewed, error) {
	return s.on(ctx, actor, id, deed{portal.EndUserSessions, auth.NeedFresh, p, func(tx *store.Tx, user portal.User) error {
		n, err := tx.EndSessions(ctx, user.ID, keepOwn(actor, user.ID))
		if err != nil {
			return err
		}
		return tx.Record(ctx, actor.Did(portal.SessionsEnded).On(user).With(fmt.Sprintf("%d ended", n)))
	}})
}

func keepOwn(actor portal.Actor, target portal.UserID) portal.SessionID {
	if actor.UserID == target {
		return actor.SessionID
	}
	return ""
}

// DeleteTwoFactor removes the 2FA setup of somebody who lost the phone, so
// that login ID and password alone open the account again. It asks for a
// reason and the actor's own step-up, never works on oneself, and needs no
// readable secret (LC-08).
func (s *Service) DeleteTwoFactor(ctx context.Context, actor portal.Actor, id portal.UserID, reason string, p auth.Proof) (auth.Renewed, error) {
	if err := actor.Can(portal.DeleteUser2FA); err != nil {
		return auth.Renewed{}, err
	}
	if id == actor.UserID {
		return auth.Renewed{}, portal.Conflict("Your own 2FA setup is on your Account page.")
	}
	why, err := portal.ParseReason(reason)
	if err != nil {
		return auth.Renewed{}, err
	}
	return s.on(ctx, actor, id, deed{portal.DeleteUser2FA, auth.NeedProof, p, func(tx *store.Tx, user portal.User) error {
		if !user.TwoFactor().HasSetup() {
			return portal.Conflict("%s has no 2FA setup. There is nothing to delete.", user.Name)
		}
		deleted, err := tx.DeleteSetup(ctx, user.ID, user.Stored)
		if err != nil {
			return err
		}
		if !deleted {
			return portal.Conflict("The 2FA setup of %s has changed in the meantime. Please look again.", user.Name)
		}
		if _, err := tx.EndSessions(ctx, user.ID, ""); err != nil {
			return err
		}
		return tx.Record(ctx, actor.Did(portal.SetupDeleted).On(user).With(why))
	}})
}

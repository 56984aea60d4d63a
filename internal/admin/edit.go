package admin

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"portal"
	"portal/internal/auth"
	"portal/internal/store"
)

// Edit is what an administrator may change of a user.
type Edit struct {
	Name, Email, Role string
	// Version is the security version that the form showed; a user who has
	// changed since is not overwritten. Empty: not told.
	Version string
}

// fits tells whether the user still is who the form has shown.
func (in Edit) fits(_ context.Context, _ store.View, user portal.User) error {
	if in.Version != "" && in.Version != strconv.FormatInt(user.SecurityVersion, 10) {
		return portal.Conflict("%s has changed since this page was shown. Look again before you save.", user.Name)
	}
	return nil
}

// mayEdit says what stands against an edit. One's own address takes a proof
// each time (LC-01), for which this form has no place.
func mayEdit(actor portal.Actor, in Edit, email string) func(context.Context, store.View, portal.User) error {
	return func(ctx context.Context, view store.View, user portal.User) error {
		if user.ID == actor.UserID && user.Email != email {
			return portal.Conflict("Your own e-mail address is changed on your Account page.")
		}
		return in.fits(ctx, view, user)
	}
}

// EditUser changes name, e-mail address and role. A changed role ends the
// user's sessions; the actor's own goes on.
func (s *Service) EditUser(ctx context.Context, actor portal.Actor, id portal.UserID, in Edit, p auth.Proof) (auth.Renewed, error) {
	if err := actor.Can(portal.EditUsers); err != nil {
		return auth.Renewed{}, err
	}
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
	if err := s.chargeEdit(ctx, actor, id, email); err != nil {
		return auth.Renewed{}, err
	}
	var after auth.Renewed
	renewed, err := s.on(ctx, actor, id, deed{portal.EditUsers, auth.NeedFresh, p, mayEdit(actor, in, email), func(tx *store.Tx, user portal.User) (err error) {
		after, err = s.edit(ctx, tx, actor, user, portal.User{Name: name, Email: email, Role: role})
		return err
	}})
	if err == nil && after.Session != "" {
		return after, nil
	}
	return renewed, err
}

// chargeEdit counts an edit that sends mail to another address.
func (s *Service) chargeEdit(ctx context.Context, actor portal.Actor, id portal.UserID, email string) error {
	user, err := s.user(ctx, actor, id)
	if err != nil || user.Email == email || id == actor.UserID {
		return err
	}
	return s.auth.ChargeAddress(ctx, id)
}

// edit changes what may change at once. The address of somebody who has been
// here counts once that person has confirmed it (LC-11); who was only invited
// gets a new invitation at the new one.
func (s *Service) edit(ctx context.Context, tx *store.Tx, actor portal.Actor, old, to portal.User) (renewed auth.Renewed, err error) {
	if to.Role != portal.RoleAdministrator {
		if err := keepOne(ctx, tx.View, old); err != nil {
			return auth.Renewed{}, err
		}
	}
	edited := old
	edited.Name, edited.Role = to.Name, to.Role
	if old.Invited {
		edited.Email = to.Email
	}
	if edited != old || to.Email == old.Email {
		if renewed, err = s.save(ctx, tx, actor, old, edited); err != nil {
			return auth.Renewed{}, err
		}
	}
	if to.Email == old.Email {
		return renewed, nil
	}
	return renewed, s.newAddress(ctx, tx, actor, old, to.Email)
}

// newAddress has the person confirm the address, or invites anew.
func (s *Service) newAddress(ctx context.Context, tx *store.Tx, actor portal.Actor, old portal.User, email string) error {
	if !old.Invited {
		return s.auth.AskAddress(ctx, tx, actor, old.ID, auth.FirstAddress, email)
	}
	edited, err := tx.User(ctx, old.ID)
	if err != nil {
		return err
	}
	_, err = s.invite(ctx, tx, actor, edited)
	return err
}

// save writes an edit. A changed role or address ends the user's sessions.
func (s *Service) save(ctx context.Context, tx *store.Tx, actor portal.Actor, old, edited portal.User) (auth.Renewed, error) {
	if err := s.recordEdit(ctx, tx, actor, old, edited); err != nil {
		return auth.Renewed{}, err
	}
	if err := tx.EditUser(ctx, edited); err != nil {
		return auth.Renewed{}, err
	}
	if old.Email == edited.Email && old.Role == edited.Role {
		return auth.Renewed{}, nil
	}
	return s.auth.EndSessionsOf(ctx, tx, actor, old.ID)
}

// SetEmail gives a user another address at once. Only the host may, for whom
// nobody else can help; old and new address are told.
func (s *Service) SetEmail(ctx context.Context, actor portal.Actor, id portal.UserID, email string) error {
	if err := actor.Can(portal.SetAddresses); err != nil {
		return err
	}
	to, err := portal.ParseEmail(email)
	if err != nil {
		return err
	}
	moves := func(ctx context.Context, view store.View, user portal.User) error {
		at, err := view.Addresses(ctx, user.ID)
		if err == nil && at.Counts(to) {
			err = portal.Conflict("Mail to %s goes to this address already.", user.Name)
		}
		return err
	}
	_, err = s.on(ctx, actor, id, deed{portal.SetAddresses, auth.NeedFresh, auth.Proof{}, moves, func(tx *store.Tx, user portal.User) error {
		if _, err := tx.EndSessions(ctx, user.ID, ""); err != nil {
			return err
		}
		event := actor.Did(portal.UserEdited).On(user).With("e-mail address, set on the host")
		return s.auth.MoveAddress(ctx, tx, actor, event, auth.FirstAddress, to)
	}})
	return err
}

// recordEdit records an edit and tells it to the addresses that counted before
// it: a new one cannot keep the old one from learning of it.
func (s *Service) recordEdit(ctx context.Context, tx *store.Tx, actor portal.Actor, old, edited portal.User) error {
	role, fields := changes(old, edited)
	if role != "" {
		if err := tx.Record(ctx, actor.Did(portal.RoleChanged).On(old).With(role)); err != nil {
			return err
		}
	}
	if len(fields) == 0 && role == "" {
		return tx.Record(ctx, actor.Did(portal.UserEdited).On(old).With("nothing"))
	}
	if len(fields) > 0 {
		if err := tx.Record(ctx, actor.Did(portal.UserEdited).On(old).With(strings.Join(fields, ", "))); err != nil {
			return err
		}
	}
	if role != "" {
		fields = append(fields, "role ("+role+")")
	}
	return s.auth.TellWithAlarm(ctx, tx, actor, old, portal.Letter{Kind: portal.MailAccountChanged, Detail: strings.Join(fields, ", ")})
}

// changes puts an edit into words: the role, and the other fields.
func changes(old, edited portal.User) (role string, fields []string) {
	if old.Role != edited.Role {
		role = fmt.Sprintf("%s → %s", old.Role.Label(), edited.Role.Label())
	}
	if old.Name != edited.Name {
		fields = append(fields, "name")
	}
	if old.Email != edited.Email {
		fields = append(fields, "e-mail address")
	}
	return role, fields
}

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

// EditUser changes name, e-mail address and role. A changed role or address
// ends the user's sessions; the actor's own goes on.
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
	var after auth.Renewed
	renewed, err := s.on(ctx, actor, id, deed{portal.EditUsers, auth.NeedFresh, p, in.fits, func(tx *store.Tx, user portal.User) (err error) {
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
		if err := keepOne(ctx, tx.View, old); err != nil {
			return auth.Renewed{}, err
		}
	}
	edited := old
	edited.Name, edited.Email, edited.Role = to.Name, to.Email, to.Role
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

package admin

import (
	"context"

	"portal"
	"portal/internal/auth"
	"portal/internal/store"
)

// DemandPassword says that a user's password is known to somebody else (PW-09):
// the sessions end, every browser is an unknown one again, and the account waits
// for a new password. The link to choose one goes to its owner alone. The 2FA
// setup stays as it is.
func (s *Service) DemandPassword(ctx context.Context, actor portal.Actor, id portal.UserID, reason string, p auth.Proof) (auth.Renewed, error) {
	if err := actor.Can(portal.DemandPassword); err != nil {
		return auth.Renewed{}, err
	}
	if id == actor.UserID {
		return auth.Renewed{}, portal.Conflict("You can change your own password on your Account page.")
	}
	why, err := portal.ParseReason(reason)
	if err != nil {
		return auth.Renewed{}, err
	}
	return s.on(ctx, actor, id, deed{portal.DemandPassword, auth.NeedFresh, p, mayDemand, func(tx *store.Tx, user portal.User) error {
		demanded, err := tx.DemandPassword(ctx, user.ID)
		if err != nil {
			return err
		}
		if !demanded {
			return alreadyDemanded(user)
		}
		if _, err := tx.EndSessions(ctx, user.ID, ""); err != nil {
			return err
		}
		if err := tx.ForgetBrowsers(ctx, user.ID); err != nil {
			return err
		}
		if err := tx.Record(ctx, actor.Did(portal.ResetDemanded).On(user).With(why)); err != nil {
			return err
		}
		return s.auth.MailReset(ctx, tx, actor, user.ID, portal.Letter{Kind: portal.MailResetDemanded, Detail: why})
	}})
}

func mayDemand(_ context.Context, _ store.View, user portal.User) error {
	switch {
	case user.Invited:
		return portal.Conflict("%s has not chosen a password yet. There is none to replace.", user.Name)
	case user.Frozen:
		return portal.Conflict("%s is frozen. Opening the account again asks for a new password by itself.", user.Name)
	case user.State == portal.UserSuspended:
		return portal.Conflict("%s is suspended, and the link to a new password would open nothing. Reactivate the account first.", user.Name)
	case user.MustReset:
		return alreadyDemanded(user)
	}
	return nil
}

func alreadyDemanded(user portal.User) error {
	return portal.Conflict("%s has been asked for a new password already.", user.Name)
}

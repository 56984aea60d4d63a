package auth

import (
	"context"

	"portal"
	"portal/internal/store"
)

// VoidRecoveryCodes voids the codes of a user, since some of them may have been
// used in a time that the data knows nothing of, and tells the owner.
func (s *Service) VoidRecoveryCodes(ctx context.Context, tx *store.Tx, actor portal.Actor, id portal.UserID) error {
	user, err := tx.User(ctx, id)
	if err != nil {
		return err
	}
	if err := tx.DeleteRecoveryCodes(ctx, id); err != nil {
		return err
	}
	if err := tx.Record(ctx, actor.Did(portal.RecoveryVoided).On(user).With("restored from a backup")); err != nil {
		return err
	}
	return s.Tell(ctx, tx, actor, user, portal.Letter{Kind: portal.MailRecoveryVoided})
}

package admin

import (
	"context"
	"fmt"

	"portal"
	"portal/internal/auth"
	"portal/internal/store"
)

// Suspend closes an account until it is reactivated; its sessions end.
func (s *Service) Suspend(ctx context.Context, actor portal.Actor, id portal.UserID, p auth.Proof) (auth.Renewed, error) {
	if err := actor.Can(portal.SuspendUsers); err != nil {
		return auth.Renewed{}, err
	}
	if id == actor.UserID {
		return auth.Renewed{}, portal.Conflict("You cannot suspend yourself. Ask another administrator.")
	}
	return s.on(ctx, actor, id, deed{portal.SuspendUsers, auth.NeedFresh, p, maySuspend, func(tx *store.Tx, user portal.User) error {
		return s.setState(ctx, tx, actor, user, portal.UserSuspended, portal.UserSuspendedEvent)
	}})
}

func maySuspend(ctx context.Context, view store.View, user portal.User) error {
	if user.State == portal.UserSuspended {
		return already(user, portal.UserSuspended)
	}
	return keepOne(ctx, view, user)
}

// Reactivate opens a suspended account again.
func (s *Service) Reactivate(ctx context.Context, actor portal.Actor, id portal.UserID, p auth.Proof) (auth.Renewed, error) {
	return s.on(ctx, actor, id, deed{portal.SuspendUsers, auth.NeedFresh, p, mayReactivate, func(tx *store.Tx, user portal.User) error {
		if err := s.auth.Forgive(ctx, tx, user.ID); err != nil {
			return err
		}
		return s.setState(ctx, tx, actor, user, portal.UserActive, portal.UserReactivated)
	}})
}

func mayReactivate(_ context.Context, _ store.View, user portal.User) error {
	if user.State == portal.UserActive {
		return already(user, portal.UserActive)
	}
	return nil
}

// Thaw opens an account again that its owner has frozen with "this was not me".
// The password may be known to somebody else: a new one is wanted.
func (s *Service) Thaw(ctx context.Context, actor portal.Actor, id portal.UserID, p auth.Proof) (auth.Renewed, error) {
	return s.on(ctx, actor, id, deed{portal.SuspendUsers, auth.NeedFresh, p, mayThaw, func(tx *store.Tx, user portal.User) error {
		if err := s.auth.Forgive(ctx, tx, user.ID); err != nil {
			return err
		}
		wanted := "a new password is demanded"
		if user.Invited {
			wanted = "a new invitation is needed"
		}
		return s.auth.Thaw(ctx, tx, actor, actor.Did(portal.AccountThawed).On(user).With(wanted))
	}})
}

func mayThaw(_ context.Context, _ store.View, user portal.User) error {
	if !user.Frozen {
		return portal.Conflict("The account of %s is not frozen.", user.Name)
	}
	return nil
}

// Unlock forgets the wrong tries of a user who has to wait at the sign-in page.
func (s *Service) Unlock(ctx context.Context, actor portal.Actor, id portal.UserID, p auth.Proof) (auth.Renewed, error) {
	return s.on(ctx, actor, id, deed{portal.SuspendUsers, auth.NeedFresh, p, always, func(tx *store.Tx, user portal.User) error {
		if err := s.auth.Forgive(ctx, tx, user.ID); err != nil {
			return err
		}
		return tx.Record(ctx, actor.Did(portal.UserUnlocked).On(user))
	}})
}

func already(user portal.User, state portal.UserState) error {
	return portal.Conflict("%s is %s already.", user.Name, state)
}

func (s *Service) setState(ctx context.Context, tx *store.Tx, actor portal.Actor, user portal.User, to portal.UserState, action portal.Action) error {
	changed, err := tx.SetUserState(ctx, user.ID, to)
	if err != nil {
		return err
	}
	if !changed {
		return already(user, to)
	}
	if _, err := tx.EndSessions(ctx, user.ID, ""); err != nil {
		return err
	}
	if err := tx.Record(ctx, actor.Did(action).On(user)); err != nil {
		return err
	}
	// no "this was not me": an administrator's switch is not the person's to undo
	return s.auth.Tell(ctx, tx, actor, user, portal.Letter{Kind: portal.MailAccountChanged, Detail: string(action)})
}

// EndSessions ends all sessions of a user; the actor's own acting one stays.
func (s *Service) EndSessions(ctx context.Context, actor portal.Actor, id portal.UserID, p auth.Proof) (auth.Renewed, error) {
	return s.on(ctx, actor, id, deed{portal.EndUserSessions, auth.NeedFresh, p, always, func(tx *store.Tx, user portal.User) error {
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
	return s.on(ctx, actor, id, deed{portal.DeleteUser2FA, auth.NeedProof, p, mayDelete, func(tx *store.Tx, user portal.User) error {
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
		if err := s.auth.Forgive(ctx, tx, user.ID); err != nil {
			return err
		}
		return s.tellDeletion(ctx, tx, actor, user, why)
	}})
}

// tellDeletion tells the person and the other administrators that a second
// factor is gone, by whom and why: a colleague may know that it was no help.
func (s *Service) tellDeletion(ctx context.Context, tx *store.Tx, actor portal.Actor, user portal.User, why string) error {
	event := actor.Did(portal.SetupDeleted).On(user).With(why)
	if err := s.auth.Announce(ctx, tx, actor, event, portal.Letter{Kind: portal.MailDeletedByAdmin, Detail: why}); err != nil {
		return err
	}
	colleague := portal.Letter{Kind: portal.MailAdminDeleted, About: user.Name, AboutID: user.ID, Detail: why}
	return s.auth.TellAdministrators(ctx, tx, actor, colleague, actor.UserID, user.ID)
}

func mayDelete(_ context.Context, _ store.View, user portal.User) error {
	if !user.TwoFactor().HasSetup() {
		return portal.Conflict("%s has no 2FA setup. There is nothing to delete.", user.Name)
	}
	return nil
}

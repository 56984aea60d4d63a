package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"portal"
	"portal/internal/store"
)

// Rule says how long rows of a kind are kept after they have become useless.
// That they are useless is asked at each use, whether they are still there or
// not; a rule only clears them away (DP-05).
type Rule struct {
	What store.Aged
	Keep time.Duration
}

// Rules lists what is forgotten by age.
func (s *Service) Rules() []Rule {
	return []Rule{
		{store.AgedHalfSessions, 0},
		{store.AgedSessions, 0},
		{store.AgedIdleSessions, s.limits.Idle},
		{store.AgedLinks, 0},
		{store.AgedAlarms, 0},
		{store.AgedBrowsers, s.limits.KnownBrowser},
		{store.AgedThrottles, 2 * day}, // no budget is longer than a day, and its windows count twice as long
		{store.AgedUnknownNames, 2 * day},
		{store.AgedPendings, 0},
		{store.AgedMails, 30 * day},
		{store.AgedResetRequests, store.ResetRequestLife},
		{store.AgedHelpRequests, store.HelpRequestLife},
		{store.AgedNodes, day},
	}
}

const (
	// forgetAtOnce is how many rows one statement forgets at most.
	forgetAtOnce = 500
	// warnBefore is how long before a kept setup runs out its owner is told.
	warnBefore = 14 * day
)

// Forget clears away what is past its time. Cut off at any moment, it goes on
// with the next run.
func (s *Service) Forget(ctx context.Context, actor portal.Actor) error {
	if err := actor.Can(portal.KeepHouse); err != nil {
		return err
	}
	now := s.now()
	for _, rule := range s.Rules() {
		for n := int64(forgetAtOnce); n == forgetAtOnce; {
			var err error
			if n, err = s.store.Forget(ctx, rule.What, now.Add(-rule.Keep), forgetAtOnce); err != nil {
				return fmt.Errorf("forget %s: %w", rule.What, err)
			}
		}
	}
	return nil
}

// AgeSetups warns the owners of kept setups that run out soon, and ends those
// that have run out (OT-14). One that fails does not keep the others waiting.
func (s *Service) AgeSetups(ctx context.Context, actor portal.Actor) error {
	if err := actor.Can(portal.KeepHouse); err != nil {
		return err
	}
	var failed []error
	for last := (store.KeptSetup{}); ; {
		all, err := s.store.KeptSetups(ctx, s.now().Add(warnBefore-s.limits.KeptSetup), last, forgetAtOnce)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, kept := range all {
			if err := s.age(ctx, actor, kept); err != nil {
				failed = append(failed, fmt.Errorf("kept setup of %s: %w", kept.UserID, err))
			}
		}
		if len(all) < forgetAtOnce {
			return errors.Join(failed...)
		}
		last = all[len(all)-1]
	}
}

func (s *Service) age(ctx context.Context, actor portal.Actor, kept store.KeptSetup) error {
	actor.CustomerID = kept.CustomerID
	switch until := kept.Since.Add(s.limits.KeptSetup); {
	case !until.After(s.now()):
		return s.endKept(ctx, actor, kept)
	case !kept.Warned:
		return s.warnKept(ctx, actor, kept, until)
	}
	return nil
}

// errElsewhere undoes a change that somebody else has made unnecessary.
var errElsewhere = errors.New("the setup has changed in between")

// endKept deletes a kept setup that has run out.
func (s *Service) endKept(ctx context.Context, actor portal.Actor, kept store.KeptSetup) error {
	err := s.store.Write(ctx, kept.CustomerID, func(tx *store.Tx) error {
		user, err := tx.User(ctx, kept.UserID)
		if err != nil {
			return err
		}
		since, err := tx.TwoFactorSince(ctx, user.ID)
		if err != nil {
			return err
		}
		if user.Stored != portal.TwoFactorDisabled || !since.Equal(kept.Since) {
			return errElsewhere
		}
		if _, err := tx.DeleteSetup(ctx, user.ID, portal.TwoFactorDisabled); err != nil {
			return err
		}
		event := actor.Did(portal.SetupExpired).On(user).With("kept since " + since.Format(time.DateOnly))
		if err := tx.Record(ctx, event); err != nil {
			return err
		}
		return s.Tell(ctx, tx, actor, user, portal.Letter{Kind: portal.MailFactorExpired})
	})
	if errors.Is(err, errElsewhere) {
		return nil
	}
	return err
}

// warnKept tells the owner, once, that a kept setup runs out.
func (s *Service) warnKept(ctx context.Context, actor portal.Actor, kept store.KeptSetup, until time.Time) error {
	return s.store.WriteUnaudited(ctx, kept.CustomerID, "a reminder changes nothing of the account", func(tx *store.Tx) error {
		first, err := tx.WarnKept(ctx, kept)
		if err != nil || !first {
			return err
		}
		user, err := tx.User(ctx, kept.UserID)
		if err != nil {
			return err
		}
		left := int((until.Sub(tx.Now) + day - 1) / day)
		return s.Tell(ctx, tx, actor, user, portal.Letter{Kind: portal.MailFactorExpires, Until: until, Left: left})
	})
}

// keptUntil tells until when a setup that is switched off is kept.
func (s *Service) keptUntil(ctx context.Context, view store.View, user portal.UserID) (time.Time, error) {
	since, err := view.TwoFactorSince(ctx, user)
	return since.Add(s.limits.KeptSetup), err
}

// stillKept refuses a kept setup that cannot be switched on any more: it has run
// out, whether it was deleted yet or not (OT-14), or its codes are blocked. Its
// recovery codes are dead, so that a new one is the only way on.
func (s *Service) stillKept(ctx context.Context, view store.View, user portal.UserID) error {
	until, err := s.keptUntil(ctx, view, user)
	if err == nil && !until.After(view.Now) {
		err = portal.Conflict("Your setup was kept until %s and cannot be switched on any more. Delete it with the trash can, then move the slider to set two-factor authentication up anew.",
			until.Format("2 January 2006"))
	}
	if err != nil {
		return err
	}
	current, err := view.Current(ctx, user)
	if errors.Is(err, store.ErrNotFound) {
		return moved()
	}
	if err == nil && s.blocked(current) {
		err = portal.Conflict("Codes of your kept setup are blocked after too many wrong ones, so it cannot be switched on any more. Delete it with the trash can, then move the slider to set two-factor authentication up anew.")
	}
	return err
}

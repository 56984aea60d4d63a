package auth

import (
	"context"
	"fmt"

	"portal"
	"portal/internal/store"
)

// What follows from wrong second factors. Who types one at the sign-in page has
// the right password: so somebody else may know it (AU-06).

// wrongFactor tells the user after some wrong ones, once a day, and demands a
// new password after too many in a day; the thaw of a frozen account demands one
// anyway. The second factor stays as it is.
func (s *Service) wrongFactor(ctx context.Context, tx *store.Tx, user portal.User, f factor) error {
	tell, demand := false, false
	for _, hit := range f.charged.Hits {
		tell = tell || hit.Count >= int64(s.limits.TellAfter)
		demand = demand || (hit.Bucket == codeDay(user.ID) && hit.Count >= int64(s.limits.CodesPerDay))
	}
	if tell {
		if err := s.tellWrongCodes(ctx, tx, user, f); err != nil {
			return err
		}
	}
	if demand && !user.Frozen {
		return s.demandPassword(ctx, tx, user, f)
	}
	return nil
}

func (s *Service) tellWrongCodes(ctx context.Context, tx *store.Tx, user portal.User, f factor) error {
	first, err := tx.Once(ctx, "told/"+string(user.ID), day)
	if err != nil || !first {
		return err
	}
	return s.TellWithAlarm(ctx, tx, f.by, user, portal.Letter{Kind: portal.MailWrongCodes})
}

// demandPassword puts the password on "must reset". Every session ends with it,
// and what a guesser has begun. The mail brings the link to a new one: a reset
// link from before is void by now.
func (s *Service) demandPassword(ctx context.Context, tx *store.Tx, user portal.User, f factor) error {
	first, err := tx.DemandPassword(ctx, user.ID)
	if err != nil || !first {
		return err
	}
	if _, err := tx.EndSessions(ctx, user.ID, ""); err != nil {
		return err
	}
	why := fmt.Sprintf("%d wrong second factors behind the right password within a day", s.limits.CodesPerDay)
	if err := tx.Record(ctx, f.by.Did(portal.ResetDemanded).On(user).With(why)); err != nil {
		return err
	}
	letter := portal.Letter{Kind: portal.MailResetDemanded, Detail: why}
	if letter.Alarm, err = s.newAlarm(ctx, tx, user.ID); err != nil {
		return err
	}
	return s.MailReset(ctx, tx, f.by, user.ID, letter)
}

// wrongCode counts a wrong code of an authenticator. The last one that it
// allows in a row blocks its codes, for whoever types them; the password alone
// opens the account no more than before (AU-02).
func (s *Service) wrongCode(ctx context.Context, tx *store.Tx, user portal.User, a store.Authenticator, f factor) error {
	failures, err := tx.CountFailure(ctx, a.ID)
	if err != nil || failures != int64(s.limits.CodesInRow) {
		return err
	}
	why := fmt.Sprintf("%d wrong codes in a row", failures)
	return s.Announce(ctx, tx, f.by, f.by.Did(portal.CodesBlocked).On(user).With(why), portal.Letter{Kind: portal.MailCodesBlocked})
}

func (s *Service) blocked(a store.Authenticator) bool {
	return s.tooManyInRow(a.Failures)
}

func (s *Service) tooManyInRow(failures int64) bool { return failures >= int64(s.limits.CodesInRow) }

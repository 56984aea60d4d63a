package admin

import (
	"context"
	"fmt"
	"time"

	"portal"
	"portal/internal/otp"
	"portal/internal/store"
)

// voidedAtOnce is how many users lose their recovery codes in one transaction.
const voidedAtOnce = 100

// BackUp makes a backup by make, which says in a few words what it is, and
// records that all data was taken out. Only then may anybody have it: where
// this fails, it has to be discarded.
func (s *Service) BackUp(ctx context.Context, actor portal.Actor, make func() (string, error)) error {
	if err := actor.Can(portal.BackUp); err != nil {
		return err
	}
	what, err := make()
	if err != nil {
		return err
	}
	return s.store.Write(ctx, portal.NoCustomer, func(tx *store.Tx) error {
		return tx.Record(ctx, actor.Did(portal.BackupMade).With(what))
	})
}

// AfterRestore counts what was voided after a restore.
type AfterRestore struct {
	store.Voided
	Customers int64
	Codes     int64 // users whose recovery codes are void
}

// PostRestore makes restored data safe to sign in to: what may have been used
// or revoked since the backup is void, of every customer (CF-08). Cut short, it
// is owed on, and goes on where it was.
func (s *Service) PostRestore(ctx context.Context, actor portal.Actor) (all AfterRestore, err error) {
	if err := actor.Can(portal.BackUp); err != nil {
		return all, err
	}
	if err := s.store.OwePostRestore(ctx); err != nil {
		return all, err
	}
	restored, err := s.store.Restored(ctx)
	if err != nil {
		return all, err
	}
	customers, err := s.Customers(ctx, actor)
	if err != nil {
		return all, err
	}
	// The installation last: with it nothing is owed any more.
	for _, c := range append(customers, portal.Customer{ID: portal.NoCustomer}) {
		actor.CustomerID, actor.CustomerName = c.ID, c.Name
		if err := s.afterRestore(ctx, actor, restored, &all); err != nil {
			return all, err
		}
	}
	return all, nil
}

// afterRestore does it to one customer, unless it was done before.
func (s *Service) afterRestore(ctx context.Context, actor portal.Actor, r store.Restored, all *AfterRestore) error {
	done, err := s.store.View(actor.CustomerID).RecordedSince(ctx, portal.DataRestored, r.Since)
	if err != nil || done {
		return err
	}
	codes, err := s.voidRecoveryCodes(ctx, actor)
	if err != nil {
		return err
	}
	var voided store.Voided
	err = s.store.Write(ctx, actor.CustomerID, func(tx *store.Tx) (err error) {
		if voided, err = tx.VoidRestored(ctx, spentThrough(tx.Now), r.Since); err != nil {
			return err
		}
		what := fmt.Sprintf("%s; %d sessions ended, %d links void, recovery codes of %d users void, %d mails held back",
			madeAt(r), voided.Sessions, voided.Links, codes, voided.Mails)
		if err := tx.Record(ctx, actor.Did(portal.DataRestored).With(what)); err != nil {
			return err
		}
		if actor.CustomerID == portal.NoCustomer {
			return tx.PaidPostRestore(ctx)
		}
		return s.auth.TellAdministrators(ctx, tx, actor, portal.Letter{Kind: portal.MailRestored, Detail: madeAt(r)})
	})
	all.add(voided, codes)
	return err
}

func (a *AfterRestore) add(v store.Voided, codes int64) {
	a.Customers++
	a.Codes += codes
	a.Sessions += v.Sessions
	a.Links += v.Links
	a.Mails += v.Mails
}

// spentThrough is the last time step whose code may have been accepted before
// now by a portal that this data knows nothing of.
func spentThrough(now time.Time) int64 { return otp.Step(now) + otp.Skew }

// madeAt says which moment the data is of.
func madeAt(r store.Restored) string {
	if r.MadeAt.IsZero() {
		return "of a moment that is not known"
	}
	return "of " + r.MadeAt.Format(time.DateTime) + " UTC"
}

// voidRecoveryCodes goes from user to user; each is told.
func (s *Service) voidRecoveryCodes(ctx context.Context, actor portal.Actor) (n int64, err error) {
	for after := portal.UserID(""); ; {
		users, err := s.store.View(actor.CustomerID).UsersWithRecoveryCodes(ctx, after, voidedAtOnce)
		if err != nil || len(users) == 0 {
			return n, err
		}
		err = s.store.Write(ctx, actor.CustomerID, func(tx *store.Tx) error {
			for _, user := range users {
				if err := s.auth.VoidRecoveryCodes(ctx, tx, actor, user); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return n, err
		}
		n, after = n+int64(len(users)), users[len(users)-1]
	}
}

package auth

import (
	"context"
	"slices"

	"portal"
	"portal/internal/store"
)

// An address counts once its owner has opened the link that was mailed to it;
// until then mail goes where it went before, and is told of the wish (LC-11).

// Slot says which of the two addresses of a user is meant.
type Slot = store.Slot

// The two addresses of a user; mail goes to both (LC-05).
const (
	FirstAddress  = store.FirstAddress
	SecondAddress = store.SecondAddress
)

// ChangeAddress asks for another address of the actor, under step-up at the
// strongest level (LC-01).
func (s *Service) ChangeAddress(ctx context.Context, actor portal.Actor, slot Slot, address string, p Proof) (Renewed, error) {
	if err := actor.Can(portal.UseAccount); err != nil {
		return Renewed{}, err
	}
	to, err := portal.ParseEmail(address)
	if err != nil {
		return Renewed{}, err
	}
	if err := mayAskFor(ctx, s.store.View(actor.CustomerID), actor.UserID, to); err != nil {
		return Renewed{}, err
	}
	if err := s.ChargeAddress(ctx, actor.UserID); err != nil {
		return Renewed{}, err
	}
	return s.underStepUp(ctx, actor, NeedProof, p, func(tx *store.Tx) error {
		return s.AskAddress(ctx, tx, actor, actor.UserID, slot, to)
	})
}

// mayAskFor refuses an address that counts already.
func mayAskFor(ctx context.Context, view store.View, id portal.UserID, to string) error {
	at, err := view.Addresses(ctx, id)
	if err == nil && at.Counts(to) {
		err = portal.Invalid(portal.FieldEmail, "Mail goes to this address already. Enter another one.")
	}
	return err
}

// AddressesOf are the addresses of a user. One that waits is shown while its
// link can be opened only: a dead one leads nowhere.
func (s *Service) AddressesOf(ctx context.Context, view store.View, id portal.UserID) (Addresses, error) {
	at, err := view.Addresses(ctx, id)
	if err != nil {
		return at, err
	}
	for slot, pending := range map[Slot]*string{FirstAddress: &at.PendingFirst, SecondAddress: &at.PendingSecond} {
		if *pending == "" {
			continue
		}
		until, err := openUntil(ctx, view, slot.Purpose(), id)
		if err != nil {
			return at, err
		}
		if until.IsZero() {
			*pending = ""
		}
	}
	return at, nil
}

// AskAddress mails the link that confirms an address to it, and tells those
// that count, in the caller's transaction. A link that somebody else asked for
// hangs on that person's right.
func (s *Service) AskAddress(ctx context.Context, tx *store.Tx, actor portal.Actor, id portal.UserID, slot Slot, to string) error {
	if err := mayAskFor(ctx, tx.View, id, to); err != nil {
		return err
	}
	if err := tx.SetPending(ctx, id, slot, to); err != nil {
		return err
	}
	user, err := tx.User(ctx, id)
	if err != nil {
		return err
	}
	letter := portal.Letter{Kind: portal.MailConfirmAddress, Until: tx.Now.Add(s.limits.AddressLink)}
	link := store.Link{
		Purpose: slot.Purpose(), Subject: id, SecurityVersion: user.SecurityVersion, Address: to, ExpiresAt: letter.Until,
	}
	if actor.UserID != id {
		link.MadeBy = actor.UserID
	}
	if letter.Token, err = s.NewLink(ctx, tx, link); err != nil {
		return err
	}
	if err := s.tellAt(ctx, tx, user, by(actor, user, letter), to); err != nil {
		return err
	}
	return s.Announce(ctx, tx, actor, actor.Did(portal.EmailAsked).On(user).With(string(slot)),
		portal.Letter{Kind: portal.MailAddressAsked, Detail: to})
}

// ConfirmAddress makes the address count that a link was mailed to. It signs
// nobody in (AU-13); every session ends, as after each security change.
func (s *Service) ConfirmAddress(ctx context.Context, o portal.Origin, token string) error {
	link, err := s.FindLink(ctx, token, ForAddress, ForSecondAddress)
	if err != nil {
		return err
	}
	return s.store.Write(ctx, link.CustomerID, func(tx *store.Tx) error {
		if err := s.mustLive(ctx, tx.View, link); err != nil {
			return err
		}
		if err := s.SpendLink(ctx, tx, token); err != nil {
			return err
		}
		user, err := tx.User(ctx, link.Subject)
		if err != nil {
			return err
		}
		if _, err := tx.EndSessions(ctx, user.ID, ""); err != nil {
			return err
		}
		slot := store.SlotOf(link.Purpose)
		event := portal.Stranger(o).Did(portal.EmailConfirmed).On(user).With(string(slot))
		return s.MoveAddress(ctx, tx, portal.Stranger(o), event, slot, link.Address)
	})
}

// MoveAddress makes an address of the event's target count, records it, and
// tells the addresses that counted before and those that count now.
func (s *Service) MoveAddress(ctx context.Context, tx *store.Tx, actor portal.Actor, e portal.Event, slot Slot, to string) error {
	user, err := tx.User(ctx, e.TargetID)
	if err != nil {
		return err
	}
	before, err := tx.Addresses(ctx, user.ID)
	if err != nil {
		return err
	}
	if err := tx.SetAddress(ctx, user, slot, to); err != nil {
		return err
	}
	after, err := tx.Addresses(ctx, user.ID)
	if err != nil {
		return err
	}
	if err := tx.Record(ctx, e); err != nil {
		return err
	}
	letter := by(actor, user, portal.Letter{Kind: portal.MailAddressChanged, Detail: string(slot) + " " + orNone(to)})
	if letter.Alarm, err = s.newAlarm(ctx, tx, user.ID); err != nil {
		return err
	}
	return s.tellAt(ctx, tx, user, letter, union(before.Confirmed(), after.Confirmed())...)
}

func orNone(address string) string {
	if address == "" {
		return "removed"
	}
	return address
}

// union is all addresses of both, each once.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// GiveAddressUp forgets an address that waits for its confirmation; its link is
// dead. Nothing that counts changes, so that no proof is asked for.
func (s *Service) GiveAddressUp(ctx context.Context, actor portal.Actor, slot Slot) error {
	if err := actor.Can(portal.UseAccount); err != nil {
		return err
	}
	return s.store.Write(ctx, actor.CustomerID, func(tx *store.Tx) error {
		if err := tx.SetPending(ctx, actor.UserID, slot, ""); err != nil {
			return err
		}
		if _, err := tx.DropLink(ctx, slot.Purpose(), actor.UserID); err != nil {
			return err
		}
		return tx.Record(ctx, actor.Did(portal.EmailRemoved).On(own(actor)).With(string(slot)+" that was not confirmed"))
	})
}

// RemoveSecondAddress takes the second address away, under step-up.
func (s *Service) RemoveSecondAddress(ctx context.Context, actor portal.Actor, p Proof) (Renewed, error) {
	if err := actor.Can(portal.UseAccount); err != nil {
		return Renewed{}, err
	}
	return s.securityChange(ctx, actor, NeedProof, p, func(tx *store.Tx, user portal.User) error {
		at, err := tx.Addresses(ctx, user.ID)
		if err != nil {
			return err
		}
		if at.Second == "" {
			return portal.Conflict("There is no second address any more.")
		}
		event := actor.Did(portal.EmailRemoved).On(user).With(string(SecondAddress))
		return s.MoveAddress(ctx, tx, actor, event, SecondAddress, "")
	})
}

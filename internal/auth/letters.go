package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"portal"
	"portal/internal/seal"
	"portal/internal/store"
)

// Tell puts a letter to all confirmed addresses of a user into the outbox, in
// the transaction of what it tells of (LC-04). The caller gives kind and what
// happened; whom it goes to, who did it and from where is filled in here.
func (s *Service) Tell(ctx context.Context, tx *store.Tx, actor portal.Actor, user portal.User, l portal.Letter) error {
	addresses, err := tx.Addresses(ctx, user.ID)
	if err != nil {
		return err
	}
	return s.tellAt(ctx, tx, user, by(actor, user, l), addresses.Confirmed()...)
}

// TellWithAlarm is Tell for what somebody else may have done: the mail has a
// link "this was not me", which freezes the account.
func (s *Service) TellWithAlarm(ctx context.Context, tx *store.Tx, actor portal.Actor, user portal.User, l portal.Letter) error {
	var err error
	if l.Alarm, err = s.newAlarm(ctx, tx, user.ID); err != nil {
		return err
	}
	return s.Tell(ctx, tx, actor, user, l)
}

// newAlarm makes the token of a link "this was not me".
func (s *Service) newAlarm(ctx context.Context, tx *store.Tx, id portal.UserID) (string, error) {
	token := seal.NewToken()
	digest, _ := seal.TokenDigest(token)
	return token, tx.AddAlarm(ctx, id, digest, tx.Now.Add(s.limits.Alarm))
}

// Announce records a security change and tells the user it happened to, with a
// link "this was not me": event and mail are both there, or neither (LC-04).
func (s *Service) Announce(ctx context.Context, tx *store.Tx, actor portal.Actor, e portal.Event, l portal.Letter) error {
	user, err := tx.User(ctx, e.TargetID)
	if err != nil {
		return err
	}
	if err := tx.Record(ctx, e); err != nil {
		return err
	}
	return s.TellWithAlarm(ctx, tx, actor, user, l)
}

// toldAdministrators is to how many administrators of a customer one event
// writes at most.
const toldAdministrators = 500

// TellAdministrators puts a letter to each administrator of the transaction's
// customer who can help into the outbox, except for these users.
func (s *Service) TellAdministrators(ctx context.Context, tx *store.Tx, actor portal.Actor, l portal.Letter, except ...portal.UserID) error {
	administrators, err := tx.Administrators(ctx, toldAdministrators)
	if err != nil {
		return err
	}
	return s.tellAll(ctx, tx, actor, l, administrators, except...)
}

// TellOperators does it for the operators, who belong to no customer.
func (s *Service) TellOperators(ctx context.Context, tx *store.Tx, actor portal.Actor, l portal.Letter) error {
	operators, err := tx.Operators(ctx, toldAdministrators)
	if err != nil {
		return err
	}
	return s.tellAll(ctx, tx, actor, l, operators)
}

func (s *Service) tellAll(ctx context.Context, tx *store.Tx, actor portal.Actor, l portal.Letter, people []portal.User, except ...portal.UserID) error {
	for _, a := range people {
		if slices.Contains(except, a.ID) {
			continue
		}
		if err := s.Tell(ctx, tx, actor, a, l); err != nil {
			return err
		}
	}
	return nil
}

// by fills in who did what the letter tells of, where it was somebody else than
// its reader, and from where. What the portal tells on time nobody did.
func by(actor portal.Actor, reader portal.User, l portal.Letter) portal.Letter {
	if actor.Kind == portal.ActorPortal {
		return l
	}
	l.Address, l.Agent = actor.Origin.Address, actor.Origin.Agent
	if actor.Kind != portal.ActorStranger && actor.UserID != reader.ID {
		l.By = actor.Name
	}
	return l
}

// tellAt puts a letter to a user at these addresses into the outbox.
func (s *Service) tellAt(ctx context.Context, tx *store.Tx, user portal.User, l portal.Letter, addresses ...string) error {
	customer, err := tx.Customer(ctx)
	if err != nil {
		return err
	}
	user.CustomerID = customer.ID // a user who is being added has none yet
	l.Name, l.LoginID, l.Customer, l.At = user.Name, user.LoginID, customer.Name, tx.Now
	for _, address := range addresses {
		l.To = address
		if err := s.post(ctx, tx, user, l); err != nil {
			return err
		}
	}
	return nil
}

// lettersPerHour is how many letters of one kind an address gets in an hour,
// of those that somebody else can bring about again and again (IN-03).
const lettersPerHour = 5

// provoked are the kinds of letter that somebody else can bring about without
// any right to. Who got five of them in an hour knows; a sixth would only fill
// the mailbox. Letters of changes and letters with a link are never left out:
// their senders are counted where they ask.
func provoked(kind portal.MailKind) bool {
	switch kind {
	case portal.MailNewBrowser, portal.MailWrongCodes, portal.MailManyFailures,
		portal.MailHelpAsked, portal.MailHelpAskedForYou:
		return true
	}
	return false
}

// post seals one letter and puts it into the outbox, unless the address has got
// enough of its kind.
func (s *Service) post(ctx context.Context, tx *store.Tx, user portal.User, l portal.Letter) error {
	if provoked(l.Kind) {
		enough, err := tx.GotMails(ctx, store.Mail{UserID: user.ID, Kind: l.Kind, Recipient: l.To}, tx.Now.Add(-hour), lettersPerHour)
		if err != nil || enough {
			return err
		}
	}
	id, err := newID()
	if err != nil {
		return err
	}
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("letter %s: %w", l.Kind, err)
	}
	sealed := s.ring.Seal(text, seal.LetterPlace(string(user.CustomerID), string(user.ID), id))
	return tx.PutMail(ctx, store.Mail{ID: id, UserID: user.ID, Kind: l.Kind, Recipient: l.To, Letter: sealed})
}

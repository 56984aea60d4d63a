// Package mail puts letters into words and brings them to the mail server.
//
// A letter lies sealed in the outbox, written in the transaction of what it
// tells of, so that the two are both there or neither. Delivery comes after
// it, again and again until the mail server has taken the mail: a crash or an
// outage in the middle delays a mail and loses none; at worst one comes twice,
// under the same Message-ID. Without a mail server the letters are kept, and
// the operator reads them on the host.
//
// The words are ours alone. What people typed stands in them as text on one
// line, and makes no structure: no header, no line, no markup.
package mail

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"

	"portal"
	"portal/internal/meter"
	"portal/internal/seal"
	"portal/internal/store"
)

// Config is what the post stands on.
type Config struct {
	Store *store.Store
	Ring  *seal.Ring
	// BaseURL is where the links in mails lead.
	BaseURL *url.URL
	// Server is where mails go out; without one they are kept.
	Server *Server
	Now    portal.Clock
	Log    *slog.Logger
	// Meter counts what comes of mails; nil counts nothing.
	Meter *meter.Meter
}

// Service opens the letters of the outbox.
type Service struct{ Config }

// New makes the service.
func New(c Config) *Service { return &Service{c} }

// page is how many mails one look at the outbox brings.
const page = 200

// List hands every mail of the outbox to show, oldest first; without all, those
// that have not gone out.
func (s *Service) List(ctx context.Context, actor portal.Actor, all bool, show func(store.Mail) error) error {
	if err := actor.Can(portal.ReadMail); err != nil {
		return err
	}
	for after := ""; ; {
		mails, err := s.Store.Mails(ctx, after, page)
		if err != nil || len(mails) == 0 {
			return err
		}
		for _, m := range mails {
			if !all && m.State == store.MailSent {
				continue
			}
			if err := show(m); err != nil {
				return err
			}
		}
		after = mails[len(mails)-1].ID
	}
}

// Show puts one mail into words for the operator, who can read it only as long
// as it has not gone out. That it was read stands in the audit trail of its
// customer, since it may hold a link.
func (s *Service) Show(ctx context.Context, actor portal.Actor, id string) (Message, error) {
	if err := actor.Can(portal.ReadMail); err != nil {
		return Message{}, err
	}
	m, err := s.Store.MailByID(ctx, id)
	switch {
	case err == store.ErrNotFound:
		return Message{}, &portal.Error{Code: portal.CodeNotFound, Message: "There is no mail " + id + ". Look at portal mail list."}
	case err != nil:
		return Message{}, err
	case m.State == store.MailSent:
		return Message{}, portal.Conflict("The mail %s was sent, and its text is no longer kept.", id)
	}
	letter, err := s.open(m)
	if err != nil {
		return Message{}, err
	}
	return s.Compose(letter), s.recordReading(ctx, actor, m)
}

func (s *Service) recordReading(ctx context.Context, actor portal.Actor, m store.Mail) error {
	return s.Store.Write(ctx, m.CustomerID, func(tx *store.Tx) error {
		return tx.Record(ctx, addressed(actor.Did(portal.MailRead), m))
	})
}

// addressed says in an event which mail it is about.
func addressed(e portal.Event, m store.Mail) portal.Event {
	e.TargetID, e.TargetLabel = m.UserID, m.Recipient
	return e.With(string(m.Kind))
}

// open unseals a letter.
func (s *Service) open(m store.Mail) (l portal.Letter, err error) {
	text, err := s.Ring.Open(m.Letter, seal.LetterPlace(string(m.CustomerID), string(m.UserID), m.ID))
	if err == nil {
		err = json.Unmarshal(text, &l)
	}
	if err != nil {
		return l, fmt.Errorf("mail %s cannot be read: %w", m.ID, err)
	}
	return l, nil
}

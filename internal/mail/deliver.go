package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	smtp "github.com/wneessen/go-mail"

	"portal"
	"portal/internal/meter"
	"portal/internal/store"
)

// How mails go out. A lease outlives the longest run with its last mail, so
// that no other node sends the same mail meanwhile.
const (
	perConnection = 20               // mails on one connection
	connections   = 4                // at once, of one node
	longestRun    = 2 * time.Minute  // then no further mail is begun
	lease         = 10 * time.Minute // of a claim
	firstWait     = 30 * time.Second // after the first failure; then twice that, and so on
	longestWait   = time.Hour
	patience      = 72 * time.Hour      // since it was written, with enough tries; then a mail has failed
	enough        = 60                  // tries: fewer than come in 72 hours, so that they count for what was kept before
	longestKept   = 30 * 24 * time.Hour // since it was written, tried or not; its links are long dead
	noting        = 10 * time.Second
)

// MaxTimeout is the longest that a mail server may take for one mail.
const MaxTimeout = time.Minute

// Deliver sends what is due, in batches, each over one connection. What becomes
// of each mail is noted with it; the error is about the outbox alone.
func (s *Service) Deliver(ctx context.Context, actor portal.Actor) error {
	if err := actor.Can(portal.KeepHouse); err != nil {
		return err
	}
	due, err := s.Store.ClaimMails(ctx, perConnection*connections, lease)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	for batch := range slices.Chunk(due, perConnection) {
		all.Go(func() { s.deliver(ctx, batch) })
	}
	all.Wait()
	return nil
}

// parcel is a mail ready to be handed over.
type parcel struct {
	mail store.Mail
	msg  *smtp.Msg
}

// deliver sends mails one after the other over one connection. Where the
// connection breaks, those that were not tried are due again at once.
func (s *Service) deliver(ctx context.Context, mails []store.Mail) {
	ctx, cancel := context.WithTimeout(ctx, longestRun)
	defer cancel()
	parcels := s.pack(ctx, mails)
	if len(parcels) == 0 {
		return
	}
	line, err := s.Server.dial(ctx, s.BaseURL.Hostname())
	if err != nil {
		for _, p := range parcels {
			s.later(ctx, p.mail, fmt.Errorf("no way to the mail server %s: %w", s.Server, err))
		}
		return
	}
	defer line.hangUp()
	for i, p := range parcels {
		if ctx.Err() != nil {
			s.giveBack(ctx, parcels[i:])
			return
		}
		if !s.hand(ctx, line, p) {
			s.giveBack(ctx, parcels[i+1:])
			return
		}
	}
}

// giveBack returns mails that were not tried.
func (s *Service) giveBack(ctx context.Context, parcels []parcel) {
	for _, p := range parcels {
		s.note(ctx, p.mail, "return", func(ctx context.Context) error { return s.Store.ReturnMail(ctx, p.mail, 0, p.mail.LastError) })
	}
}

// pack opens letters and puts them into words. What cannot be sent is noted.
func (s *Service) pack(ctx context.Context, mails []store.Mail) []parcel {
	var parcels []parcel
	for _, m := range mails {
		letter, err := s.open(m)
		if err != nil {
			s.Log.ErrorContext(ctx, "a letter cannot be read: is this the right key ring? The mail stays", "mail", m.ID, "error", err)
			s.note(ctx, m, "postpone", func(ctx context.Context) error {
				return s.Store.ReturnMail(ctx, m, longestWait, "the letter cannot be read")
			})
			continue
		}
		if letter.Token != "" && !letter.Until.IsZero() && !letter.Until.After(s.Now()) {
			s.fail(ctx, m, errors.New("its link has run out"))
			continue
		}
		msg, err := s.envelope(m, s.Compose(letter))
		if err != nil {
			s.fail(ctx, m, err)
			continue
		}
		parcels = append(parcels, parcel{m, msg})
	}
	return parcels
}

// envelope makes the mail as it travels. Its Message-ID is the same at every
// try, so that a mail that came twice can be known.
func (s *Service) envelope(m store.Mail, words Message) (*smtp.Msg, error) {
	to, err := netmail.ParseAddress(words.To)
	if err != nil {
		return nil, fmt.Errorf("the address cannot be used: %w", err)
	}
	msg := smtp.NewMsg(smtp.WithNoDefaultUserAgent())
	from := s.Server.From
	msg.FromMailAddress(&from)
	msg.ToMailAddress(&netmail.Address{Address: to.Address})
	msg.Subject(words.Subject)
	msg.SetMessageIDWithValue(m.ID + "@" + s.BaseURL.Hostname())
	msg.SetDateWithValue(m.CreatedAt)
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetBodyString(smtp.TypeTextPlain, words.Text)
	msg.AddAlternativeString(smtp.TypeTextHTML, words.HTML)
	return msg, nil
}

// hand hands one mail over and notes what came of it. It is false where the
// connection is of no more use.
func (s *Service) hand(ctx context.Context, line *wire, p parcel) bool {
	err := line.client.Send(p.msg)
	switch reply := (*smtp.SendError)(nil); {
	case p.msg.IsDelivered():
		s.sent(ctx, p.mail)
		return err == nil
	case errors.As(err, &reply) && reply.ErrorCode() != 0:
		if noSuchAddress(reply) {
			s.fail(ctx, p.mail, err)
		} else {
			s.later(ctx, p.mail, err)
		}
		return true
	}
	s.later(ctx, p.mail, err)
	return false
}

// noSuchAddress tells whether the server said for good that nobody is there.
// Whatever else it refuses may be mended by the operator.
func noSuchAddress(reply *smtp.SendError) bool {
	return reply.Reason == smtp.ErrSMTPRcptTo && strings.HasPrefix(reply.EnhancedStatusCode(), "5.1.")
}

func (s *Service) sent(ctx context.Context, m store.Mail) {
	s.Meter.Mail(meter.MailSent)
	s.note(ctx, m, "sent", func(ctx context.Context) error {
		mine, err := s.Store.MailSent(ctx, m)
		if err == nil && !mine {
			s.Log.WarnContext(ctx, "a mail took longer than its lease; it may come twice", "mail", m.ID)
		}
		return err
	})
	s.Log.DebugContext(ctx, "mail sent", "mail", m.ID, "kind", m.Kind)
}

// later puts a mail off after a failure, longer each time; after three days of
// tries it has failed. Days in which nobody tried do not count: it may have been
// kept until there was a mail server.
func (s *Service) later(ctx context.Context, m store.Mail, why error) {
	if m.Tries >= enough && s.Now().Sub(m.CreatedAt) >= patience {
		s.fail(ctx, m, why)
		return
	}
	s.Meter.Mail(meter.MailPostponed)
	s.Log.WarnContext(ctx, "a mail could not be sent and will be tried again", "mail", m.ID, "kind", m.Kind, "try", m.Tries, "error", nameless(m, why))
	s.note(ctx, m, "postpone", func(ctx context.Context) error {
		return s.Store.PostponeMail(ctx, m, wait(m.Tries), portal.CleanText(why.Error()))
	})
}

// nameless is an error as it may stand in the log: without what a mail server
// says in its own words, which repeats the address. portal mail list has them.
func nameless(m store.Mail, err error) string {
	if reply := (*smtp.SendError)(nil); errors.As(err, &reply) && reply.ErrorCode() != 0 {
		return strings.TrimSpace(fmt.Sprintf("%s: the server says %d %s", reply.Reason, reply.ErrorCode(), reply.EnhancedStatusCode()))
	}
	return strings.ReplaceAll(err.Error(), m.Recipient, "(address)")
}

// wait is how long after so many tries the next one comes, with some chance in
// it so that mails that failed together do not come back together.
func wait(tries int64) time.Duration {
	w := firstWait
	for n := int64(1); n < tries && w < longestWait; n++ {
		w *= 2
	}
	w = min(w, longestWait)
	return w + rand.N(w/4) // #nosec G404 -- a moment to wait is no secret
}

// fail gives a claimed mail up.
func (s *Service) fail(ctx context.Context, m store.Mail, why error) {
	s.note(ctx, m, "fail", func(ctx context.Context) error { return s.giveUp(ctx, m, why) })
}

// giveUp ends the tries of a mail, for everybody to read in the audit trail.
func (s *Service) giveUp(ctx context.Context, m store.Mail, why error) error {
	event := addressed(portal.Itself().Did(portal.MailFailed), m)
	event.Outcome = portal.Failed
	err := s.Store.Write(ctx, m.CustomerID, func(tx *store.Tx) error {
		mine, err := tx.FailMail(ctx, m, portal.CleanText(why.Error()))
		if err == nil && !mine {
			err = errLease
		}
		if err != nil {
			return err
		}
		return tx.Record(ctx, event)
	})
	if err == nil {
		s.Meter.Mail(meter.MailGivenUp)
		s.Log.ErrorContext(ctx, "a mail was given up", "mail", m.ID, "kind", m.Kind, "error", nameless(m, why))
	}
	return err
}

// GiveUpKept gives up mails that have waited for too long, as they do without a
// mail server: none is forgotten that nobody was told of.
func (s *Service) GiveUpKept(ctx context.Context, actor portal.Actor) error {
	if err := actor.Can(portal.KeepHouse); err != nil {
		return err
	}
	for n := page; n == page; {
		kept, err := s.Store.KeptMails(ctx, s.Now().Add(-longestKept), lease, page)
		if err != nil {
			return err
		}
		for _, m := range kept {
			if err := s.giveUp(ctx, m, errKept); err != nil && !errors.Is(err, errLease) {
				return fmt.Errorf("give up the mail %s: %w", m.ID, err)
			}
		}
		n = len(kept)
	}
	return nil
}

// errKept is why a mail is given up that nobody could send for so long.
var errKept = errors.New("it has waited for 30 days")

// errLease undoes what is no longer the caller's to do.
var errLease = errors.New("the lease of the mail has ended")

// note writes down what came of a mail, also while the portal stops. Where that
// fails the lease ends some time, and the mail is tried again.
func (s *Service) note(ctx context.Context, m store.Mail, what string, write func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noting)
	defer cancel()
	if err := write(ctx); err != nil {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "what came of a mail could not be noted; it will be tried again",
			slog.String("mail", m.ID), slog.String("what", what), slog.Any("error", err))
	}
}

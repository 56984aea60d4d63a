package doctor

import (
	"context"
	"errors"
	"time"

	"portal/internal/mail"
	"portal/internal/store"
)

// stuck is how long a mail may wait until somebody should know.
const stuck = time.Hour

// mailServer goes the way of a mail up to the moment before one is handed over.
func (h *House) mailServer(ctx context.Context, r *Report) error {
	switch {
	case h.MailErr != nil:
		r.Found(NotLooked, "not looked at, because portal serve would refuse its settings")
		return nil
	case h.Mail == nil:
		r.Found(MailNone, "no mail server is set up: mails are kept")
		return nil
	}
	switch err := h.Mail.Probe(ctx, h.Helo); {
	case errors.Is(err, mail.ErrUnproven):
		r.Found(MailUnproven, "%s: %v", h.Mail, err)
	case errors.Is(err, mail.ErrSignIn):
		r.Found(MailRefused, "%s: %v", h.Mail, err)
	case err != nil:
		r.Found(MailClosed, "%s: %v", h.Mail, err)
	}
	r.Fine("%s would take mails", h.Mail)
	return nil
}

// outbox looks at the mails that have not gone out.
func (h *House) outbox(ctx context.Context, r *Report) error {
	if h.Mail != nil {
		n, err := h.data.OldMails(ctx, store.MailWaiting, h.Now().Add(-stuck), enough)
		if err != nil {
			return err
		}
		if n > 0 {
			r.Found(MailsStuck, "mails that wait for more than an hour: %s", atMost(n))
		}
	}
	n, err := h.data.OldMails(ctx, store.MailFailed, h.Now(), enough)
	if n > 0 {
		r.Found(MailsFailed, "mails that were given up: %s", atMost(n))
	}
	r.Fine("nothing is stuck")
	return err
}

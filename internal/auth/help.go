package auth

import (
	"context"
	"errors"
	"time"

	"portal"
	"portal/internal/store"
)

const (
	// namedHelpers is how many administrators a page names.
	namedHelpers = 10
	// helpPerDay is how often a day one person can call the administrators.
	helpPerDay = 3
)

// Helpers is what a person without a phone may learn behind a right password.
type Helpers struct {
	Customer       string
	Administrators []string
	// AskedAt is since when the administrators know; zero: they were not told.
	AskedAt time.Time
	// Frozen: whoever reported "this was not me" may mean the one who asks now,
	// who therefore learns nothing of the people above and cannot call them.
	Frozen bool
}

// Helpers tells a person who has proven the password whom to ask for help.
func (s *Service) Helpers(ctx context.Context, half string) (Helpers, error) {
	h, err := s.half(ctx, half)
	if err != nil {
		return Helpers{}, err
	}
	return helpersOf(ctx, s.store.View(h.CustomerID), h.UserID)
}

func helpersOf(ctx context.Context, view store.View, user portal.UserID) (Helpers, error) {
	who, err := view.User(ctx, user)
	if err != nil || who.Frozen {
		return Helpers{Frozen: who.Frozen}, signInWhereMissing(err)
	}
	customer, err := view.Customer(ctx)
	if err != nil {
		return Helpers{}, err
	}
	administrators, err := view.Administrators(ctx, namedHelpers)
	if err != nil {
		return Helpers{}, err
	}
	help := Helpers{Customer: customer.Name}
	for _, a := range administrators {
		if a.ID != user {
			help.Administrators = append(help.Administrators, a.Name)
		}
	}
	help.AskedAt, err = view.HelpAskedAt(ctx, user)
	return help, err
}

// AskHelp tells the administrators, by mail and on their start page, that a
// person with the right password has no second factor at hand. It changes
// nothing by itself: somebody else may know the password, so that the person is
// told, too.
func (s *Service) AskHelp(ctx context.Context, o portal.Origin, half string) error {
	h, err := s.half(ctx, half)
	if err != nil {
		return err
	}
	helpers, err := helpersOf(ctx, s.store.View(h.CustomerID), h.UserID)
	switch {
	case err != nil:
		return err
	case helpers.Frozen:
		return portal.Conflict("This account is frozen. Use a recovery code, or call an administrator on a number that you know.")
	case !helpers.AskedAt.IsZero():
		return nil
	case len(helpers.Administrators) == 0:
		return portal.Conflict("There is no other administrator. Ask whoever runs this portal for you.")
	}
	if err := s.chargeHelp(ctx, o, h); err != nil {
		return err
	}
	return s.store.Write(ctx, h.CustomerID, func(tx *store.Tx) error { return s.askHelp(ctx, tx, o, h) })
}

func (s *Service) askHelp(ctx context.Context, tx *store.Tx, o portal.Origin, h store.HalfSession) error {
	user, err := tx.User(ctx, h.UserID)
	if err != nil {
		return err
	}
	if user.SecurityVersion != h.SecurityVersion { // a freeze is a new version, too
		return portal.SignInFirst()
	}
	asked, err := tx.AskHelp(ctx, user.ID, o)
	if err != nil {
		return err
	}
	event := portal.Stranger(o).Did(portal.HelpAsked).On(user)
	if !asked {
		return tx.Record(ctx, event.With("asked before"))
	}
	if err := s.Announce(ctx, tx, portal.Stranger(o), event, portal.Letter{Kind: portal.MailHelpAskedForYou}); err != nil {
		return err
	}
	letter := portal.Letter{Kind: portal.MailHelpAsked, About: user.Name, AboutID: user.ID}
	return s.TellAdministrators(ctx, tx, portal.Stranger(o), letter, user.ID)
}

// chargeHelp keeps one person from flooding the administrators with mail.
func (s *Service) chargeHelp(ctx context.Context, o portal.Origin, h store.HalfSession) error {
	c, err := s.chargeAll(ctx, store.Budget{Bucket: "help/" + string(h.UserID), Limit: helpPerDay, Window: day})
	var e *portal.Error
	if !errors.As(err, &e) || e.Code != portal.CodeThrottled {
		return err
	}
	user, err := s.store.View(h.CustomerID).User(ctx, h.UserID)
	if err != nil {
		return err
	}
	refusal := &portal.Error{Code: e.Code, RetryAfter: e.RetryAfter, Message: "The administrators have been told several times today. Please call one of them."}
	return s.noteLimit(ctx, refusal, c, h.CustomerID, portal.Stranger(o).WasRefused(portal.HelpAsked, limitReached).On(user))
}

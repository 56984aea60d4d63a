package admin

import (
	"context"
	"time"

	"portal"
	"portal/internal/store"
)

// listedHelp is how many requests for help the start page lists.
const listedHelp = 20

// HelpRequest is somebody who has the right password and no second factor at
// hand, or somebody else who knows the password.
type HelpRequest struct {
	User           portal.User
	At             time.Time
	Address, Agent string
}

// HelpRequests lists who of the customer asks for help, longest first.
func (s *Service) HelpRequests(ctx context.Context, actor portal.Actor) ([]HelpRequest, error) {
	if err := actor.Can(portal.HelpUsers); err != nil {
		return nil, err
	}
	open, err := s.store.View(actor.CustomerID).HelpRequests(ctx, listedHelp)
	list := make([]HelpRequest, len(open))
	for i, h := range open {
		list[i] = HelpRequest(h)
	}
	return list, err
}

// DismissHelp closes a request that needs nothing: it was a mistake, or the
// person was helped in another way. It changes nothing about the account, so
// that it asks for no proof.
func (s *Service) DismissHelp(ctx context.Context, actor portal.Actor, id portal.UserID) error {
	if err := actor.Can(portal.HelpUsers); err != nil {
		return err
	}
	return s.store.Write(ctx, actor.CustomerID, func(tx *store.Tx) error {
		user, err := tx.User(ctx, id)
		if err != nil {
			return notFound(err)
		}
		closed, err := tx.CloseHelp(ctx, id)
		if err != nil {
			return err
		}
		if !closed {
			return portal.Conflict("%s does not ask for help any more.", user.Name)
		}
		return tx.Record(ctx, actor.Did(portal.HelpDismissed).On(user))
	})
}

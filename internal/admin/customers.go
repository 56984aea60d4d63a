package admin

import (
	"context"
	"fmt"

	"portal"
	"portal/internal/store"
)

// SuspendCustomer closes all accounts of the customer that the host's actor is
// bound to: sessions, half sessions and links end at once (SE-06).
func (s *Service) SuspendCustomer(ctx context.Context, actor portal.Actor) error {
	return s.closeCustomer(ctx, actor, func(tx *store.Tx) error {
		suspended, err := tx.SuspendCustomer(ctx)
		if err != nil {
			return err
		}
		if !suspended {
			return portal.Conflict("%s is suspended already.", actor.CustomerName)
		}
		ended, err := tx.EndAllSessions(ctx)
		if err != nil {
			return err
		}
		if err := tx.DropLinks(ctx); err != nil {
			return err
		}
		return tx.Record(ctx, actor.Did(portal.CustomerSuspended).With(fmt.Sprintf("%d sessions ended", ended)))
	})
}

// ReopenCustomer opens the accounts of a suspended customer again. Links that
// were open before stay void.
func (s *Service) ReopenCustomer(ctx context.Context, actor portal.Actor) error {
	return s.closeCustomer(ctx, actor, func(tx *store.Tx) error {
		reopened, err := tx.ReopenCustomer(ctx)
		if err != nil {
			return err
		}
		if !reopened {
			return portal.Conflict("%s is not suspended.", actor.CustomerName)
		}
		return tx.Record(ctx, actor.Did(portal.CustomerReopened))
	})
}

func (s *Service) closeCustomer(ctx context.Context, actor portal.Actor, change func(*store.Tx) error) error {
	if err := actor.Can(portal.CloseCustomers); err != nil {
		return err
	}
	if actor.CustomerID == portal.NoCustomer { // the operators, whose rows no customer has
		return portal.Invalid(portal.FieldCustomer, "Name a customer.")
	}
	return s.store.Write(ctx, actor.CustomerID, change)
}

// EndAllSessions ends every session of the customer that the host's actor is
// bound to, of the operators where it is bound to none (SE-08).
func (s *Service) EndAllSessions(ctx context.Context, actor portal.Actor) (ended int64, err error) {
	if err := actor.Can(portal.CloseCustomers); err != nil {
		return 0, err
	}
	err = s.store.Write(ctx, actor.CustomerID, func(tx *store.Tx) error {
		if ended, err = tx.EndAllSessions(ctx); err != nil {
			return err
		}
		return tx.Record(ctx, actor.Did(portal.SessionsEnded).With(fmt.Sprintf("of everybody, %d ended", ended)))
	})
	return ended, err
}

// EndSessionsEverywhere does it to every customer and to the operators.
func (s *Service) EndSessionsEverywhere(ctx context.Context, actor portal.Actor) (ended int64, err error) {
	customers, err := s.Customers(ctx, actor)
	if err != nil {
		return 0, err
	}
	for _, c := range append(customers, portal.Customer{ID: portal.NoCustomer}) {
		actor.CustomerID, actor.CustomerName = c.ID, c.Name
		n, err := s.EndAllSessions(ctx, actor)
		if err != nil {
			return ended, err
		}
		ended += n
	}
	return ended, nil
}

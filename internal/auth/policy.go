package auth

import (
	"context"

	"portal"
	"portal/internal/store"
)

// MayGiveUp says why the actor has to keep the own 2FA: the customer requires
// it (AU-09), or the password is too short to stand alone (PW-01). A kept setup
// may go, since it protects nothing.
func (s *Service) MayGiveUp(actor portal.Actor) error {
	user := portal.User{Stored: actor.Stored, ShortPassword: actor.ShortPassword}
	return mustKeep(user, actor.CustomerName, actor.Policy.Requires(s.now()))
}

// mayGiveUp asks the same inside the transaction, where the answer holds.
func mayGiveUp(ctx context.Context, view store.View, user portal.User) error {
	customer, err := view.Customer(ctx)
	if err != nil {
		return err
	}
	return mustKeep(user, customer.Name, customer.Policies.Of(user.Role).Requires(view.Now))
}

func mustKeep(user portal.User, customer string, demanded bool) error {
	switch {
	case !user.TwoFactor().AsksCode():
		return nil
	case demanded:
		return required(customer)
	case user.ShortPassword:
		return portal.Conflict("Without two-factor authentication your password would open your account by itself, and it is too short for that. "+
			"Change it below to one of at least %d characters, then come back.", portal.MinPassword)
	}
	return nil
}

// MayRequire says what keeps the actor from requiring 2FA of others: whoever
// does needs a working one, so as to know the way and not to be locked out
// first. The host may always.
func (s *Service) MayRequire(ctx context.Context, view store.View, actor portal.Actor) error {
	if actor.Kind == portal.ActorHost {
		return nil
	}
	user, err := view.User(ctx, actor.UserID)
	if err != nil {
		return err
	}
	if !user.TwoFactor().AsksCode() {
		return portal.Conflict("Whoever requires 2FA needs a working one first. Enable yours on your Account page, then come back.")
	}
	current, err := view.Current(ctx, user.ID)
	if err == nil && s.blocked(current) {
		err = portal.Conflict("The codes of your own 2FA are blocked. Replace your authenticator on your Account page, then come back.")
	}
	return err
}

func required(customer string) error {
	if customer == "" {
		customer = "This portal"
	}
	return portal.Conflict("%s requires two-factor authentication of you, so it can be neither disabled nor deleted. "+
		"New phone? Replace your authenticator instead. Phone lost? An administrator can delete your setup, and you set it up anew.", customer)
}

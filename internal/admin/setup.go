package admin

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"portal"
	"portal/internal/audit"
	"portal/internal/auth"
	"portal/internal/store"
)

// FirstAdministrator is what the set-up page asks for.
type FirstAdministrator struct {
	Customer, Name, LoginID, Email, Password string
	// Require is whether administrators need 2FA from the beginning.
	Require bool
}

// SetUpLink makes a new set-up link while the portal has no administrator, and
// returns its token; the one before is void. Once there is an administrator
// it returns an empty token, for ever.
func (s *Service) SetUpLink(ctx context.Context, actor portal.Actor) (token string, err error) {
	if err := actor.Can(portal.AddCustomers); err != nil {
		return "", err
	}
	if exists, err := s.store.View(portal.NoCustomer).AnyAdministrator(ctx); err != nil || exists {
		return "", err
	}
	err = s.store.Write(ctx, portal.NoCustomer, func(tx *store.Tx) error {
		token, err = s.auth.NewLink(ctx, tx, store.Link{Purpose: store.SetUpPurpose, ExpiresAt: tx.Now.Add(s.limits.SetUpLink)})
		if err != nil {
			return err
		}
		return tx.Record(ctx, actor.Did(portal.UserInvited).With("set-up link"))
	})
	return token, err
}

// SetUp makes the first customer and its administrator. It spends the set-up
// link; a second one at the same moment is refused.
func (s *Service) SetUp(ctx context.Context, o portal.Origin, token string, in FirstAdministrator) error {
	if _, err := s.auth.FindLink(ctx, token, auth.ForSetUp); err != nil {
		return err
	}
	now := s.store.View(portal.NoCustomer).Now
	customer, err := in.customer(now)
	if err != nil {
		return err
	}
	user, err := NewUser{in.LoginID, in.Name, in.Email, string(portal.RoleAdministrator)}.parse()
	if err != nil {
		return err
	}
	hash, err := s.auth.HashPassword(ctx, portal.FieldPassword, in.Password, auth.OwnerOf(user, customer, now))
	if err != nil {
		return err
	}
	if user.ID, err = newUserID(); err != nil {
		return err
	}
	return setUpTaken(s.store.Write(ctx, portal.NoCustomer, func(tx *store.Tx) error {
		if err := s.closeSetUp(ctx, tx, token); err != nil {
			return err
		}
		return s.firstAdministrator(ctx, tx, portal.Stranger(o), customer, user, hash)
	}))
}

// customer is the first customer, with what it wants of its administrators.
func (in FirstAdministrator) customer(now time.Time) (c portal.Customer, err error) {
	c.Policies = portal.DefaultPolicies()
	if in.Require {
		c.Policies.Administrator = portal.Policy{Mode: portal.PolicyRequired, From: now.Truncate(time.Microsecond)}
	}
	c.Name, err = portal.ParseCustomerName(in.Customer)
	return c, err
}

// closeSetUp spends the link and holds that no administrator is there yet.
func (s *Service) closeSetUp(ctx context.Context, tx *store.Tx, token string) error {
	exists, err := tx.AnyAdministrator(ctx)
	if err != nil {
		return err
	}
	if exists {
		return portal.NotFound()
	}
	return s.auth.SpendLink(ctx, tx, token)
}

func (s *Service) firstAdministrator(ctx context.Context, tx *store.Tx, actor portal.Actor, customer portal.Customer, user portal.User, hash store.Password) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	user.CustomerID = portal.CustomerID(id.String())
	in := tx.Enter(user.CustomerID)
	if err := in.AddCustomer(ctx, customer.Name); err != nil {
		return err
	}
	if err := audit.Begin(ctx, in, s.ring, user.CustomerID); err != nil {
		return err
	}
	if err := in.Record(ctx, actor.Did(portal.SetUpCompleted).With(customer.Name)); err != nil {
		return err
	}
	if err := firstPolicies(ctx, in, actor, customer.Policies); err != nil {
		return err
	}
	if err := in.AddUser(ctx, user, hash); err != nil {
		return err
	}
	return in.Record(ctx, actor.Did(portal.UserAdded).On(user).With(user.Role.Label()))
}

func setUpTaken(err error) error {
	if errors.Is(err, store.ErrConflict) {
		return portal.Invalid(portal.FieldLoginID, "This login ID or customer name is taken. Choose another one.")
	}
	return err
}

// AddCustomer adds a customer to whom 2FA is recommended. Only the host may.
func (s *Service) AddCustomer(ctx context.Context, actor portal.Actor, name string) (portal.Customer, error) {
	return s.AddCustomerUnder(ctx, actor, name, portal.DefaultPolicies())
}

// AddCustomerUnder adds a customer under policies of its own.
func (s *Service) AddCustomerUnder(ctx context.Context, actor portal.Actor, name string, wanted portal.Policies) (portal.Customer, error) {
	if err := actor.Can(portal.AddCustomers); err != nil {
		return portal.Customer{}, err
	}
	parsed, err := portal.ParseCustomerName(name)
	if err != nil {
		return portal.Customer{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return portal.Customer{}, err
	}
	policies, err := portal.DefaultPolicies().Checked(wanted, s.store.View(portal.NoCustomer).Now)
	if err != nil {
		return portal.Customer{}, err
	}
	customer := portal.Customer{ID: portal.CustomerID(id.String()), Name: parsed, Policies: policies}
	err = s.store.Write(ctx, customer.ID, func(tx *store.Tx) error {
		customer.CreatedAt = tx.Now
		if err := tx.AddCustomer(ctx, parsed); err != nil {
			return err
		}
		if err := audit.Begin(ctx, tx, s.ring, customer.ID); err != nil {
			return err
		}
		if err := tx.Record(ctx, actor.Did(portal.CustomerAdded).With(parsed)); err != nil {
			return err
		}
		return firstPolicies(ctx, tx, actor, policies)
	})
	if errors.Is(err, store.ErrConflict) {
		return portal.Customer{}, portal.Conflict("There is a customer of that name already.")
	}
	return customer, err
}

// Customers lists all customers. Only the host may.
func (s *Service) Customers(ctx context.Context, actor portal.Actor) ([]portal.Customer, error) {
	if err := actor.Can(portal.AddCustomers); err != nil {
		return nil, err
	}
	return s.store.Customers(ctx)
}

// As returns the host's actor bound to a customer, found by name; an empty
// name means the accounts of no customer.
func (s *Service) As(ctx context.Context, actor portal.Actor, customer string) (portal.Actor, error) {
	if err := actor.Can(portal.AddCustomers); err != nil {
		return portal.Actor{}, err
	}
	if customer == "" {
		return actor, nil
	}
	found, err := s.store.CustomerByName(ctx, customer)
	if errors.Is(err, store.ErrNotFound) {
		return portal.Actor{}, portal.Invalid(portal.FieldCustomer, "There is no customer %q. Add it with: portal customer add NAME", customer)
	}
	actor.CustomerID, actor.CustomerName = found.ID, found.Name
	return actor, err
}

// Find returns the user whom a login ID names, and the host's actor bound to
// the user's customer. Only the host may look over all customers.
func (s *Service) Find(ctx context.Context, actor portal.Actor, loginID string) (portal.Actor, portal.User, error) {
	if err := actor.Can(portal.AddCustomers); err != nil {
		return portal.Actor{}, portal.User{}, err
	}
	who, err := s.store.CredentialsByLogin(ctx, loginID)
	if errors.Is(err, store.ErrNotFound) {
		return portal.Actor{}, portal.User{}, portal.Invalid(portal.FieldLoginID, "There is no user with the login ID %q.", loginID)
	}
	actor.CustomerID, actor.CustomerName = who.CustomerID, who.CustomerName
	return actor, who.User, err
}

// AddUserWithPassword adds a user whose password is given on the host. The
// role may be operator, for an actor bound to no customer.
func (s *Service) AddUserWithPassword(ctx context.Context, actor portal.Actor, in NewUser, password string) (portal.User, error) {
	user, err := s.hostUser(actor, in)
	if err != nil {
		return portal.User{}, err
	}
	view := s.store.View(actor.CustomerID)
	customer, err := view.Customer(ctx)
	if err != nil {
		return portal.User{}, err
	}
	hash, err := s.auth.HashPassword(ctx, portal.FieldPassword, password, auth.OwnerOf(user, customer, view.Now))
	if err != nil {
		return portal.User{}, err
	}
	if user.ID, err = newUserID(); err != nil {
		return portal.User{}, err
	}
	err = s.store.Write(ctx, actor.CustomerID, func(tx *store.Tx) error {
		if err := tx.AddUser(ctx, user, hash); err != nil {
			return err
		}
		return tx.Record(ctx, actor.Did(portal.UserAdded).On(user).With(user.Role.Label()+", password set on the host"))
	})
	if err != nil {
		return portal.User{}, s.taken(ctx, actor, err)
	}
	return user, nil
}

// AddUserWithLink adds a user on the host who chooses the password behind a
// one-time link.
func (s *Service) AddUserWithLink(ctx context.Context, actor portal.Actor, in NewUser) (Invited, error) {
	user, err := s.hostUser(actor, in)
	if err != nil {
		return Invited{}, err
	}
	invited, err := s.addInvited(ctx, actor, user)
	if err != nil {
		return Invited{}, s.taken(ctx, actor, err)
	}
	return invited, nil
}

// hostUser checks a user made on the host, where an operator can be made: an
// operator belongs to no customer, everybody else to one.
func (s *Service) hostUser(actor portal.Actor, in NewUser) (portal.User, error) {
	if err := actor.Can(portal.AddOperators); err != nil {
		return portal.User{}, err
	}
	operator := in.Role == string(portal.RoleOperator)
	if operator != (actor.CustomerID == portal.NoCustomer) {
		return portal.User{}, portal.Invalid(portal.FieldCustomer, "Users and administrators belong to a customer, operators to none.")
	}
	if !operator {
		return in.parse()
	}
	in.Role = string(portal.RoleUser)
	user, err := in.parse()
	user.Role = portal.RoleOperator
	return user, err
}

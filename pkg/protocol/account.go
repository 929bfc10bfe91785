package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// An Account is an AWS account of a request. In JSON it is an object, or only its id.
type Account struct {
	// ID is the account's number, 12 digits. It may be left out beside Profile.
	ID string `json:"id,omitzero"`

	// Name is what a person calls the account, up to MaxAccountNameLength characters.
	// Outcomes repeat it. Empty means that the account has none.
	Name string `json:"name,omitzero"`

	// Role, ExternalID, Regions and ExcludeRegions replace the request's own. Empty means
	// the request's own.
	Role           string   `json:"role,omitzero"`
	ExternalID     string   `json:"externalId,omitzero"`
	Regions        []string `json:"regions,omitzero" max:"200"`
	ExcludeRegions []string `json:"excludeRegions,omitzero" max:"200"`

	// Parameters has members that replace members of the request's parameters, each as a
	// whole. Nil means none.
	Parameters json.RawMessage `json:"parameters,omitzero"`

	// Profile is the profile of the AWS configuration with the account's credentials. It
	// is for a run at the command line; a worker on Lambda has no profiles. Empty means
	// that Role decides.
	Profile string `json:"profile,omitzero"`
}

// accountFields is an Account without its methods.
type accountFields Account

// UnmarshalJSON reads an account, or its id. It is as strict as [DecodeStrict].
func (a *Account) UnmarshalJSON(data []byte) error {
	if data = bytes.TrimSpace(data); kindOf(data) == "a string" {
		*a = Account{ID: unquoted(data)}
		return nil
	}
	if kindOf(data) != "an object" {
		return fmt.Errorf("want an account's id, or an object with its id, got %s", kindOf(data))
	}
	return DecodeStrict(data, (*accountFields)(a)).Err()
}

// MarshalJSON writes the id of an account that has nothing else, else an object.
func (a Account) MarshalJSON() ([]byte, error) {
	object, err := Marshal(accountFields(a))
	if id, _ := Marshal(a.ID); string(object) == `{"id":`+string(id)+`}` {
		return id, nil
	}
	return object, err
}

// An Organization says which accounts of the caller's AWS organization a run enters: those
// that are ACTIVE; the others are SKIPPED. A worker lists them, with the task
// OrganizationTask. In JSON it is an object, or true for all accounts.
type Organization struct {
	// Units lists the ids of organizational units and roots. The run enters their accounts
	// and the accounts of the units below them. Nil means all of the organization.
	Units []string `json:"units,omitzero" max:"100"`

	// Exclude lists the ids of accounts to leave out. Nil means none.
	Exclude []string `json:"exclude,omitzero" max:"1000"`
}

// organizationFields is an Organization without its methods.
type organizationFields Organization

// UnmarshalJSON reads an organization, or true. It is as strict as [DecodeStrict].
func (o *Organization) UnmarshalJSON(data []byte) error {
	switch data = bytes.TrimSpace(data); {
	case string(data) == "true":
		return nil
	case kindOf(data) != "an object":
		return fmt.Errorf("want true, or an object with units and exclude, got %s", excerpt(data))
	}
	return DecodeStrict(data, (*organizationFields)(o)).Err()
}

// MarshalJSON writes true for all of an organization, else an object.
func (o Organization) MarshalJSON() ([]byte, error) {
	if o.Units == nil && o.Exclude == nil {
		return []byte("true"), nil
	}
	return Marshal(organizationFields(o))
}

// A Wave is the part of a run that is done before the next wave begins.
type Wave struct {
	// Accounts lists the ids or names of the wave's accounts. Nil means all.
	Accounts []string `json:"accounts,omitzero" max:"1000"`

	// Regions lists the names and globs of the wave's Regions. Nil means all.
	Regions []string `json:"regions,omitzero" max:"200"`
}

// An Access names the credentials that a worker uses. At most one of Role and Profile is
// given; without both, the worker uses its own credentials, which must be the account's.
type Access struct {
	// Account is the account's id. Empty means that it is not known, beside Profile.
	Account string `json:"account,omitzero"`

	// Role is the ARN of the role that the worker assumes.
	Role string `json:"role,omitzero"`

	// ExternalID is the external id that the role's trust policy asks for. Empty means none.
	ExternalID string `json:"externalId,omitzero"`

	// SessionName is the name of the role's session. Empty means "meridian-" and the id of
	// the run.
	SessionName string `json:"sessionName,omitzero"`

	// SessionTags says that the session is tagged with the run's id, as SessionTag.
	SessionTags bool `json:"sessionTags,omitzero"`

	// Profile is the profile with the account's credentials, see [Account].
	Profile string `json:"profile,omitzero"`
}

// SessionTag is the key of the tag of a session that has the run's id.
const SessionTag = "MeridianRun"

// RoleARN returns the ARN of a role in an account. role is its name, with its path if it
// has one, or an ARN with {partition} and {account}.
func RoleARN(role, partition, account string) string {
	if !strings.HasPrefix(role, "arn:") {
		role = "arn:{partition}:iam::{account}:role/" + strings.TrimPrefix(role, "/")
	}
	return strings.NewReplacer("{partition}", partition, "{account}", account).Replace(role)
}

// An OrganizationOutput is the output of the task [OrganizationTask].
type OrganizationOutput struct {
	// Message tells a person how many accounts there are.
	Message string `json:"message"`

	// Accounts lists the accounts, sorted by id.
	Accounts []OrganizationAccount `json:"accounts"`
}

// An OrganizationAccount is an account of an organization.
type OrganizationAccount struct {
	ID   string `json:"id"`
	Name string `json:"name,omitzero"`

	// State is ACTIVE, SUSPENDED, PENDING_CLOSURE, PENDING_ACTIVATION or CLOSED. Only an
	// ACTIVE account can be entered.
	// Source: https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html
	State string `json:"state"`
}

// StateActive is the state of an account that can be entered.
const StateActive = "ACTIVE"

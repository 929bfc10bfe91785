package task_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// listing is a task of a user's own, which calls AWS with a client of the SDK.
func listing(ctx context.Context, in task.Input[struct{}]) (string, error) {
	cfg, err := in.AWS.Config(ctx, in.Region)
	if err != nil {
		return "", err
	}
	id, err := in.AWS.Account(ctx, in.Region)
	if err != nil {
		return "", err
	}
	_, err = lambda.NewFromConfig(cfg).ListFunctions(ctx, nil)
	return id, err
}

// listing returns the task "listing", which calls a as AWS.
func (a *accounts) listing(t *testing.T, profiles task.Profiles) *task.Registry {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	tasks, err := task.NewRegistry(task.New("listing", "list functions", listing, task.CallsAWS)).Configure(nil,
		task.NewAWS(0, func(context.Context) (aws.Config, error) {
			return aws.Config{
				BaseEndpoint: aws.String(server.URL), Region: "us-east-1",
				Credentials: credentials.NewStaticCredentialsProvider("key", "secret of the worker", "token of the worker"),
			}, nil
		}, profiles))
	if err != nil {
		t.Fatal(err)
	}
	return tasks
}

// list does the work of the task "listing" with an access. It returns the output, or the
// name and the text of the error.
func list(t *testing.T, tasks *task.Registry, access *protocol.Access) (said string, transient bool) {
	t.Helper()
	ctx := task.WithAccess(task.WithRunID(t.Context(), "run"), access)
	output, err := prepare(t, tasks, "listing", nil)(ctx, "eu-west-1", protocol.Target{Name: "one"})
	if err == nil {
		return string(output), false
	}
	name := protocol.ErrorTaskFailed
	var named interface{ ErrorName() string }
	if errors.As(err, &named) {
		name = named.ErrorName()
	}
	var again interface{ Transient() bool }
	return name + ": " + err.Error(), errors.As(err, &again) && again.Transient()
}

// A task of a user's own calls AWS with the credentials of the account, and with a session
// that has not expired. Its errors have no secrets.
func TestAUsersOwnTaskCallsAWSAsTheAccount(t *testing.T) {
	t.Parallel()
	var token, code string
	a := &accounts{denies: func(_, sent string) string { token = sent; return code }}
	tasks := a.listing(t, nil)
	for _, test := range []struct {
		access    *protocol.Access
		code      string // of Lambda's answer
		want      string
		token     string
		transient bool
	}{
		{nil, "", `"` + own + `"`, "token of the worker", false},
		{nil, "ExpiredTokenException", "States.TaskFailed: operation error Lambda", "token of the worker", false},
		{reader("222222222222"), "", `"222222222222"`, "session-1 ", false},
		{reader("222222222222"), "ExpiredTokenException", "States.TaskFailed: operation error Lambda", "session-1 ", true},
		{reader("222222222222"), "", `"222222222222"`, "session-2 ", false},
		{reader("222222222222"), "TooManyRequestsException", "States.TaskFailed: operation error Lambda", "session-2 ", true},
		{reader("222222222222"), "SignatureDoesNotMatch", "States.TaskFailed: operation error Lambda", "session-2 ", false},
	} {
		token, code = "", test.code
		got, transient := list(t, tasks, test.access)
		if !strings.HasPrefix(got, test.want) || !strings.HasPrefix(token, test.token) || transient != test.transient {
			t.Errorf("%s, transient %v, with the %s, want %s, %v, with the %s", got, transient, token, test.want, test.transient, test.token)
		}
		if a.leaks(got) || strings.Contains(got, "token of the worker") || test.code != "" && !strings.Contains(got, "(secret)") {
			t.Errorf("a secret is not concealed: %s", got)
		}
	}
	a.refuse = func(int) string { return "AccessDenied" }
	want := "AccessDenied: arn:aws:sts::" + own + ":assumed-role/worker/fn may not assume "
	if got, _ := list(t, tasks, reader("444444444444")); !strings.HasPrefix(got, want) {
		t.Errorf("a role that is denied: %s, want %s", got, want)
	}
}

// Without a way to AWS, a task gets an error and no panic.
func TestATaskOfAProcessWithoutAWSGetsAnError(t *testing.T) {
	t.Parallel()
	tasks := task.NewRegistry(task.New("listing", "", listing))
	for _, access := range []*protocol.Access{nil, reader("222222222222")} {
		if got, _ := list(t, tasks, access); got != task.ErrorCallConfiguration+": this process has no way to AWS" {
			t.Errorf("%s, want %s", got, task.ErrorCallConfiguration)
		}
	}
	var none *task.AWS
	if _, err := none.Account(t.Context(), "eu-west-1"); err == nil {
		t.Error("Account of no AWS is nil")
	}
	_, err := prepare(t, task.Builtin(), protocol.OrganizationTask, json.RawMessage(`{"units":["ou-ab12-11111111"]}`))(t.Context(), "us-east-1", protocol.Target{Name: "all"})
	if err == nil {
		t.Error("the organization of no AWS is nil")
	}
}

// A profile's credentials are those that the command line has for it, if they are the
// account's.
func TestAnAccountCanHaveAProfile(t *testing.T) {
	t.Parallel()
	loaded := 0
	profiles := func(_ context.Context, name string) (aws.Config, error) {
		loaded++
		if name != "mine" {
			return aws.Config{}, errors.New("there is no such profile")
		}
		return aws.Config{Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "token of the profile")}, nil
	}
	for _, test := range []struct {
		name     string
		profiles task.Profiles
		access   protocol.Access
		want     string
	}{
		{"without an account", profiles, protocol.Access{Profile: "mine"}, `"` + own + `"`},
		{"of the account", profiles, protocol.Access{Account: own, Profile: "mine"}, `"` + own + `"`},
		{
			"of another account", profiles,
			protocol.Access{Account: "222222222222", Profile: "mine"},
			"Account.Profile: the credentials of profile mine belong to account " + own + ", not to 222222222222",
		},
		{"without anything", profiles, protocol.Access{}, "Account.NoRole: the account is not known: want its id, a role or a profile"},
		{"unknown", profiles, protocol.Access{Profile: "other"}, "Account.Profile: profile other: there is no such profile"},
		{"on Lambda", nil, protocol.Access{Profile: "mine"}, "Account.Profile: profiles are for runs at the command line: set role"},
	} {
		loaded = 0
		var token string
		a := &accounts{denies: func(_, sent string) string { token = sent; return "" }}
		tasks := a.listing(t, test.profiles)
		for range 2 {
			if said, _ := list(t, tasks, &test.access); said != test.want {
				t.Errorf("%s: %s, want %s", test.name, said, test.want)
			}
		}
		if token != "" && token != "token of the profile" {
			t.Errorf("%s: called with the %s", test.name, token)
		}
		if loaded > 1 {
			t.Errorf("%s: loaded %d times", test.name, loaded)
		}
	}
}

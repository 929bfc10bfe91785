package model_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// An answer in XML has a limit for the depth of its elements, also of those that the model
// does not know. Nothing but an open element counts.
func TestOutputInXMLIsNotNestedWithoutEnd(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("<a b='>' c=\"/>\">", n) + strings.Repeat("</a>", n) }
	for _, test := range []struct {
		name, inside string
		ok           bool
	}{
		{"nothing", ``, true},
		{"deep", deep(1999), true},
		{"too deep", deep(2000), false},
		{"far too deep", deep(400_000), false},
		{"without an end", strings.Repeat("<a>", 100_000), false},
		{"side by side", strings.Repeat("<a>x</a>", 5000), true},
		{"empty elements", strings.Repeat("<a/>", 5000) + strings.Repeat("<a b='c'/>", 5000), true},
		{"comments", "<!--" + strings.Repeat("<a> -> ", 5000) + "-->" + deep(1999), true},
		{"character data", "<novel><![CDATA[" + strings.Repeat("<a> ]> ", 5000) + "]]></novel>" + deep(1999), true},
		{"instructions", "<?a " + strings.Repeat("<a> ", 5000) + "?>" + deep(1999), true},
		{"ends in a comment", strings.Repeat("<a><!--</a>-->", 3000) + strings.Repeat("</a>", 3000), false},
	} {
		op := lookup(t, "ec2:DescribeVpcs")
		body := "<DescribeVpcsResponse>" + test.inside + "<vpcSet/></DescribeVpcsResponse>"
		for _, reader := range []io.Reader{strings.NewReader(body), iotest.HalfReader(strings.NewReader(body))} {
			err := op.Protocol().DeserializeResponse(t.Context(), op.Schema(), op.Errors(), &smithyhttp.Response{Response: &http.Response{
				StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(reader),
			}}, op.Output())
			if _, failed := errors.AsType[*smithy.DeserializationError](err); failed == test.ok || (err == nil) != test.ok {
				t.Errorf("%s: error %v, want none: %v", test.name, err, test.ok)
			}
		}
	}
}

"""Writes AWS's protocol tests, which botocore's source distribution has, in the forms
that internal/awsapi/model reads: the models of all cases as one file, and what each
case gives and expects as JSON lines.

    python3 protocols.py directory-of-protocols models.bin > cases.jsonl
"""

import base64
import datetime
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / 'internal' / 'awsapi' / 'model'))
import generate  # noqa: E402

EPOCH = datetime.datetime(1970, 1, 1)


def converted(value, shapes, ref, name=''):
    """A value of a test as a value of Meridian: the tests have bytes as text, and times
    as seconds."""
    if value is None or ref is None:
        return value
    shape = shapes[ref['shape']]
    kind = shape['type']
    if shape.get('document'):
        return value
    if kind == 'structure' and isinstance(value, dict):
        return {k: converted(v, shapes, shape['members'].get(k), k) for k, v in value.items()}
    if kind == 'list' and isinstance(value, list):
        return [converted(v, shapes, shape['member']) for v in value]
    if kind == 'map' and isinstance(value, dict):
        return {k: converted(v, shapes, shape['value']) for k, v in value.items()}
    if kind == 'blob':
        return base64.b64encode(value.encode()).decode()
    if kind == 'timestamp':
        time = EPOCH + datetime.timedelta(seconds=value)
        text = time.strftime('%Y-%m-%dT%H:%M:%S')
        if time.microsecond:
            text += f'.{time.microsecond:06}'.rstrip('0')
        return text + 'Z'
    return value


def main():
    directory, models = map(pathlib.Path, sys.argv[1:])
    ignored = json.loads((directory / 'protocol-tests-ignore-list.json').read_text())
    services = []
    for file in sorted(directory.glob('*put/*.json')):
        for i, suite in enumerate(json.loads(file.read_text())):
            for j, case in enumerate(suite['cases']):
                service = f'{file.parent.name}/{file.stem}/{i:02}/{j:02}'
                given, shapes = case['given'], suite['shapes']
                for name, shape in shapes.items():
                    if 'sparse' in name.lower():  # the suites do not say it otherwise
                        shape['sparse'] = True
                operation = given.get('name', 'OperationName')
                given.setdefault('http', {'method': 'POST', 'requestUri': '/'})
                given['http'].setdefault('method', 'POST')
                given['http'].setdefault('requestUri', '/')
                twin = dict(given, output=given['input']) if 'input' in given else given
                if file.parent.name == 'output':
                    given.pop('input', None)
                    given['http']['requestUri'] = '/'
                metadata = {'endpointPrefix': 'example', 'apiVersion': '', **suite['metadata']}
                metadata.pop('signatureVersion', None)
                model = {'metadata': metadata, 'shapes': shapes, 'operations': {operation: given, 'Twin': twin}}
                services.append(generate.Service(service, model))
                error = case.get('error')
                line = {
                    'service': service,
                    'operation': operation,
                    'protocol': metadata['protocol'],
                    'id': case.get('id', ''),
                    'description': case.get('description', suite.get('description', '')),
                    'endpoint': suite.get('clientEndpoint', 'https://example.com'),
                }
                if 'params' in case:
                    line |= {
                        'input': converted(case['params'], shapes, given.get('input')),
                        'request': case['serialized'],
                    }
                if 'response' in case:
                    result = case.get('result')
                    if error is not None:
                        code = case.get('errorCode', '')
                        shape = next(
                            (e for e in given.get('errors', []) if code in (e['shape'], shapes[e['shape']].get('error', {}).get('code'))),
                            None,
                        )
                        result = converted(error, shapes, shape)
                        line |= {'errorCode': code, 'errorMessage': case.get('errorMessage', '')}
                    else:
                        result = converted(result, shapes, given.get('output'))
                    line |= {'response': case['response'], 'result': result}
                print(json.dumps(line))
    models.write_bytes(generate.encode('', sorted(services, key=lambda s: s.name)))
    sys.stderr.write(json.dumps(ignored))


if __name__ == '__main__':
    main()

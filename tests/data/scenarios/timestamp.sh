# alert: Suspicious file timestamp modification
### attack: touch -r of a fresh program
cp /bin/true /usr/local/bin/wizlmsh
#---
touch -r /bin/ls /usr/local/bin/wizlmsh

### innocent: touch makes a file
touch /tmp/now
